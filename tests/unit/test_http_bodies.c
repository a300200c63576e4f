/* All bodies that are being received, or wait for their answers, have one limit on their memory. */
#include <check.h>
#include <string.h>

#include "tests/support/heap.h"
#include "tests/support/http_call.h"
#include "tests/support/run_suite.h"
#include "tests/unit/http_fixture.h"

#define BODY_BYTES ((size_t)1 << 20) /* the most that /later takes */
#define N_BODIES 64                  /* that are as much as there may be: 64 MiB */

static char body[BODY_BYTES + 1];

/* The limit is reached exactly, by requests whose answers are held back. */
static void fill(struct fixture *f, int fds[N_BODIES])
{
    memset(body, ' ', BODY_BYTES);
    (void)pthread_mutex_lock(&f->lock);
    f->hold = N_BODIES + 1;
    (void)pthread_mutex_unlock(&f->lock);
    for (size_t i = 0; i < N_BODIES; i++) {
        fds[i] = http_connect(f->port);
        http_send_request(fds[i], "POST", "/later", NULL, body);
    }
    fixture_wait(f, &f->n_queued, N_BODIES);
}

static void expect_answer(int fd)
{
    OWN(http_answer) struct http_answer answer;

    ck_assert_int_eq(http_receive(fd, false, &answer), 201);
    ck_assert_uint_eq(answer.body.len, BODY_BYTES);
    (void)close(fd);
}

START_TEST(beyond_their_limit_a_body_is_refused_and_the_others_are_answered)
{
    heap_watch();
    struct fixture *f = fixture_start(NULL);
    OWN(http_answer) struct http_answer refused;
    OWN(http_answer) struct http_answer empty;
    OWN(http_answer) struct http_answer later;
    int fds[N_BODIES];
    size_t before = heap_bytes();

    fill(f, fds);
    /* Each lies in a text that grew to twice its length at most. */
    ck_assert_uint_le(heap_bytes() - before, 2 * N_BODIES * BODY_BYTES + heap_noise);
    ck_assert_int_eq(http_call(f->port, "POST", "/echo", NULL, "1", &refused), 503);
    ck_assert_str_eq(http_answer_header(&refused, "Retry-After"), "1");
    ck_assert(refused.closed);
    ck_assert_int_eq(http_call(f->port, "POST", "/later", NULL, NULL, &empty), 201);
    for (size_t i = 0; i < N_BODIES; i++) {
        expect_answer(fds[i]);
    }
    ck_assert_int_eq(http_call(f->port, "POST", "/echo", NULL, "1", &later), 200);
    fixture_wait_connections(f, 0);
    ck_assert_uint_le(heap_bytes(), before + (size_t)(64 << 10) + heap_noise);
    fixture_stop(f);
}
END_TEST

/* What was received of a body counts no more when its client has left. */
START_TEST(bodies_of_clients_that_left_do_not_count)
{
    static const char head[] = "POST /bulk HTTP/1.1\r\nHost: localhost\r\n"
                               "Content-Type: application/json\r\nContent-Length: 1048576\r\n\r\n";
    struct fixture *f = fixture_start(NULL);

    memset(body, ' ', BODY_BYTES);
    for (size_t i = 0; i < N_BODIES + 1; i++) {
        OWN(fd) int fd = http_connect(f->port);
        http_send(fd, head, strlen(head));
        http_send(fd, body, BODY_BYTES - 1);
    }
    fixture_wait_connections(f, 0);
    OWN(http_answer) struct http_answer answer;
    ck_assert_int_eq(http_call(f->port, "POST", "/bulk", NULL, body, &answer), 200);
    fixture_stop(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_bodies");
    TCase *tcase = tcase_create("bodies");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, beyond_their_limit_a_body_is_refused_and_the_others_are_answered);
    tcase_add_test(tcase, bodies_of_clients_that_left_do_not_count);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

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

/* ---- refused by the head ---- */

struct refused_body {
    const char *name, *headers;
    size_t bytes; /* that are sent with it, in chunks without a length */
};

static const struct refused_body refused_bodies[] = {
    {"a length that is not skipped", "Content-Length: 3000000\r\n", 0},
    {"the same, and sent", "Content-Length: 3000000\r\n", 3000000},
    {"a client that asks first", "Content-Length: 2\r\nExpect: 100-continue\r\n", 0},
    {"chunks without end", "Transfer-Encoding: chunked\r\n", 3000000},
};
#define N_REFUSED_BODIES (sizeof refused_bodies / sizeof refused_bodies[0])

static void send_body(int fd, const struct refused_body *refused)
{
    bool is_chunked = strstr(refused->headers, "chunked") != NULL;

    memset(body, 'x', 50000);
    for (size_t sent = 0; sent < refused->bytes; sent += 50000) {
        http_send(fd, "c350\r\n", is_chunked ? 6 : 0);
        http_send(fd, body, 50000);
        http_send(fd, "\r\n", is_chunked ? 2 : 0);
    }
}

/* Nobody is told to send what is not taken, and everybody is told why. */
START_TEST(a_refused_body_of_any_size_is_answered)
{
    const struct refused_body *refused = &refused_bodies[_i];
    struct fixture *f = fixture_start(NULL);
    OWN(http_answer) struct http_answer answer;
    OWN(fd) int fd = http_connect(f->port);
    OWN(buf) struct buf head;

    buf_init(&head, 1000);
    buf_printf(&head,
               "PUT /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
               "%s\r\n",
               refused->headers);
    http_send(fd, buf_text(&head), head.len);
    send_body(fd, refused);
    (void)http_receive(fd, false, &answer);
    ck_assert_msg(answer.status == 404, "%s: %d", refused->name, answer.status);
    ck_assert(answer.closed);
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
    tcase_add_loop_test(tcase, a_refused_body_of_any_size_is_answered, 0, (int)N_REFUSED_BODIES);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

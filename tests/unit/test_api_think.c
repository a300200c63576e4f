/* Reads that take long, on the optimiser threads: other reads do not wait for them. */
#include <check.h>
#include <math.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/own.h"
#include "common/rng.h"
#include "server/engine/optimisers.h"
#include "tests/support/run_suite.h"
#include "tests/unit/api_fixture.h"

/* All on the front, and enough that a reader thread hands them on: over 500,000 pairs. */
enum { TRIALS = 1050, OBJECTIVES = 4 };

static const char study[] =
    "{\"name\": \"t\", \"strategy\": \"random\", \"parameters\": [{\"name\": \"x\", \"type\": "
    "\"float\", \"low\": 0, \"high\": 1}], \"objectives\": ["
    "{\"metric\": \"a\", \"direction\": \"minimize\"}, {\"metric\": \"b\", \"direction\": "
    "\"minimize\"}, {\"metric\": \"c\", \"direction\": \"minimize\"}, {\"metric\": \"d\", "
    "\"direction\": \"minimize\"}]}";

static void import(struct api_fixture *f, int n, uint64_t stream)
{
    struct rng rng = rng_for(1, stream);
    OWN(buf) struct buf body;

    buf_init(&body, 1 << 20);
    for (int i = 0; i < n; i++) {
        double value[OBJECTIVES], sum = 0.0;
        for (size_t k = 0; k < OBJECTIVES; k++) {
            value[k] = -log(1.0 - rng_uniform(&rng));
            sum += value[k];
        }
        buf_printf(&body,
                   "%s{\"state\": \"completed\", \"parameters\": {\"x\": 0.5}, \"metrics\": "
                   "{\"a\": %.17g, \"b\": %.17g, \"c\": %.17g, \"d\": %.17g}}",
                   i == 0 ? "[" : ", ", value[0] / sum, value[1] / sum, value[2] / sum,
                   value[3] / sum);
    }
    buf_putc(&body, ']');
    api_expect(f, 201, "POST", "/v1/studies/t/trials", buf_text(&body));
}

/* A request's job that waits until it is let through, and so holds a thread. */
struct gate {
    struct request_job head; /* first */
    sem_t *opened, *ended;
};

static bool wait_at_gate(struct request_job *head, const atomic_bool *stop)
{
    (void)stop;
    while (sem_wait(((struct gate *)head)->opened) != 0) {
    }
    return false;
}

static void end_gate(struct request_job *head, const struct err *why)
{
    (void)why;
    (void)sem_post(((struct gate *)head)->ended);
}

static void start(struct api_fixture *f)
{
    api_fixture_start(f);
    api_expect(f, 201, "POST", "/v1/studies", study);
    import(f, TRIALS / 2, 1);
    import(f, TRIALS / 2, 2);
}

struct gates {
    sem_t opened, ended;
    size_t n;
    struct gate items[REQUEST_JOBS_MAX];
};

/* No optimiser thread takes the step of a request until the gates are opened; room is left for
 * REQUEST_JOBS_MAX - n jobs. */
static void shut_gates(struct api_fixture *f, struct gates *gates, size_t n)
{
    struct err err = {0};

    *gates = (struct gates){.n = n};
    ck_assert_int_eq(sem_init(&gates->opened, 0, 0) | sem_init(&gates->ended, 0, 0), 0);
    for (size_t i = 0; i < n; i++) {
        gates->items[i] =
            (struct gate){{.step = wait_at_gate, .end = end_gate}, &gates->opened, &gates->ended};
        ck_assert_int_eq(engine_think(f->api.engine, &gates->items[i].head, &err), 0);
    }
}

static void open_gates(struct gates *gates)
{
    for (size_t i = 0; i < gates->n; i++) {
        (void)sem_post(&gates->opened);
    }
    for (size_t i = 0; i < gates->n; i++) {
        while (sem_wait(&gates->ended) != 0) {
        }
    }
}

#define LONG_READ "/v1/studies/t/hypervolume?reference=1,1,1,1"

/* More of them than there are reader threads: were these to compute them, an ask for trials that
 * comes later would be answered later. */
START_TEST(a_long_read_holds_up_no_other)
{
    enum { LONG = 4 };
    struct api_fixture f;
    struct gates gates;
    int sockets[LONG];
    char byte;

    start(&f);
    shut_gates(&f, &gates, REQUEST_JOBS_MAX - LONG);
    for (size_t i = 0; i < LONG; i++) {
        sockets[i] = http_connect(f.port);
        http_send_request(sockets[i], "GET", LONG_READ, NULL, NULL);
    }
    for (int i = 0; i < 3; i++) {
        api_expect(&f, 200, "GET", "/v1/studies/t/trials?limit=1", NULL);
        api_expect(&f, 200, "GET", "/v1/studies/t/pareto?format=csv", NULL);
    }
    for (size_t i = 0; i < LONG; i++) {
        ck_assert_int_eq(recv(sockets[i], &byte, 1, MSG_DONTWAIT), -1);
    }
    open_gates(&gates);
    for (size_t i = 0; i < LONG; i++) {
        OWN(http_answer) struct http_answer answer = {0};
        ck_assert_int_eq(http_receive(sockets[i], false, &answer), 200);
        json_auto_t *body = json_loads(buf_text(&answer.body), 0, NULL);
        ck_assert_uint_eq(json_array_size(json_object_get(body, "items")), TRIALS);
        (void)close(sockets[i]);
    }
    api_fixture_stop(&f);
}
END_TEST

START_TEST(the_other_formats_are_made_of_a_long_read_too)
{
    struct api_fixture f;
    size_t n_lines = 0;

    start(&f);
    api_expect(&f, 200, "GET", LONG_READ "&format=csv", NULL);
    for (const char *at = buf_text(&f.last.body); *at != '\0'; at++) {
        n_lines += *at == '\n';
    }
    ck_assert_uint_eq(n_lines, TRIALS + 1);
    api_fixture_stop(&f);
}
END_TEST

START_TEST(where_too_many_wait_a_long_read_is_to_be_repeated)
{
    struct api_fixture f;
    struct gates gates;

    start(&f);
    shut_gates(&f, &gates, REQUEST_JOBS_MAX);
    api_expect(&f, 503, "GET", LONG_READ, NULL);
    ck_assert_ptr_nonnull(http_answer_header(&f.last, "Retry-After"));
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "more is asked for than"));
    api_expect(&f, 200, "GET", "/v1/studies/t/trials?limit=1", NULL);
    open_gates(&gates);
    api_expect(&f, 200, "GET", LONG_READ, NULL);
    api_fixture_stop(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_think");
    TCase *tcase = tcase_create("api_think");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_long_read_holds_up_no_other);
    tcase_add_test(tcase, the_other_formats_are_made_of_a_long_read_too);
    tcase_add_test(tcase, where_too_many_wait_a_long_read_is_to_be_repeated);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

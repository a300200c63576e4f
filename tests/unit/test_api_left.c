/* Reads and waits whose client has left, or has only ended its side. */
#include <check.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/own.h"
#include "server/api/read.h"
#include "tests/support/run_suite.h"
#include "tests/unit/api_fixture.h"

enum { TRIALS = 1000 };

static struct api_fixture f;

/* ---- a read that counts the rows it looks at ---- */

static sem_t entered, opened, ended;
static atomic_int n_rows;

static void await(sem_t *sem)
{
    while (sem_wait(sem) != 0) {
    }
}

static int count_row(void *context, struct trial_row *row, struct err *err)
{
    (void)context;
    (void)row;
    (void)err;
    atomic_fetch_add(&n_rows, 1);
    return 0;
}

static int read_counted(struct read_request *read, struct err *err)
{
    const struct trial_query query = {.study = 1, .limit = INT32_MAX};

    (void)sem_post(&entered);
    await(&opened);
    int result = store_each_trial(read->store, &query, count_row, NULL, err);
    (void)sem_post(&ended);
    return result;
}

void get_counted(void *context, struct http_request *request);
READ_HANDLER(get_counted, FORMAT_BIT(FORMAT_JSON), NULL, read_counted)

static void import(void)
{
    OWN(buf) struct buf body;

    buf_init(&body, 1 << 20);
    for (int i = 0; i < TRIALS; i++) {
        buf_printf(&body,
                   "%s{\"state\": \"completed\", \"parameters\": {\"x\": 0.5}, \"metrics\": "
                   "{\"loss\": %d}}",
                   i == 0 ? "[" : ", ", i);
    }
    buf_putc(&body, ']');
    api_expect(&f, 201, "POST", "/v1/studies/t/trials", buf_text(&body));
}

static void start(void)
{
    static struct http_route routes[200];
    const struct http_route own = {"GET", "/counted", HTTP_SCOPE_NONE, HTTP_BODY_NONE, get_counted};

    ck_assert_uint_lt(api_n_routes, sizeof routes / sizeof routes[0]);
    memcpy(routes, api_routes, api_n_routes * sizeof routes[0]);
    routes[api_n_routes] = own;
    ck_assert_int_eq(sem_init(&entered, 0, 0) | sem_init(&opened, 0, 0) | sem_init(&ended, 0, 0),
                     0);
    api_fixture_start_routes(&f, routes, api_n_routes + 1);
    api_expect(&f, 201, "POST", "/v1/studies",
               "{\"name\": \"t\", \"strategy\": \"random\", \"parameters\": [{\"name\": \"x\", "
               "\"type\": \"float\", \"low\": 0, \"high\": 1}], \"objectives\": [{\"metric\": "
               "\"loss\", \"direction\": \"minimize\"}]}");
    import();
}

/* Returns how many rows were looked at for a client that waits, or leaves before. */
static int rows_read(bool leaves)
{
    atomic_store(&n_rows, 0);
    int client = http_connect(f.port);
    http_send_request(client, "GET", "/counted", NULL, NULL);
    await(&entered);
    if (leaves) {
        (void)close(client);
    }
    (void)sem_post(&opened);
    await(&ended);
    if (!leaves) {
        (void)close(client);
    }
    return atomic_load(&n_rows);
}

START_TEST(a_read_ends_when_its_client_leaves)
{
    start();
    ck_assert_int_eq(rows_read(false), TRIALS);
    ck_assert_int_lt(rows_read(true), TRIALS / 2);
    ck_assert_int_eq(rows_read(false), TRIALS); /* on the same connections to the database */
    ck_assert_int_eq(rows_read(false), TRIALS);
    api_fixture_stop(&f);
}
END_TEST

/* Ends its side before the read begins, and waits for the answer. */
static void expect_answer(const char *version, bool is_asked)
{
    OWN(buf) struct buf seen;
    char part[4096];
    ssize_t len;

    buf_init(&seen, 1 << 20);
    atomic_store(&n_rows, 0);
    OWN(fd) int client = http_connect(f.port);
    ck_assert_int_gt(dprintf(client, "GET /counted %s\r\nHost: localhost\r\n\r\n", version), 0);
    await(&entered);
    ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
    (void)sem_post(&opened);
    await(&ended);
    while ((len = read(client, part, sizeof part)) > 0) {
        buf_append(&seen, part, (size_t)len);
    }
    ck_assert_int_eq(len, 0);
    ck_assert_int_eq(atomic_load(&n_rows), TRIALS);
    ck_assert_msg(strstr(buf_text(&seen), " 200 OK\r\n") != NULL, "%s", buf_text(&seen));
    ck_assert_int_eq(strstr(buf_text(&seen), "HTTP/1.1 100 Continue\r\n\r\n") != NULL, is_asked);
}

START_TEST(one_that_only_ends_its_side_gets_its_answer)
{
    start();
    expect_answer("HTTP/1.1", true);
    expect_answer("HTTP/1.0", false); /* which knows no interim answers */
    expect_answer("HTTP/1.1", true);
    api_fixture_stop(&f);
}
END_TEST

/* ---- requests that wait ---- */

#define PAUSED_STUDY                                                                               \
    "{\"name\": \"w\", \"strategy\": \"random\", \"limits\": {\"trials\": 1}, \"parameters\": "    \
    "[{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}], \"objectives\": "          \
    "[{\"metric\": \"loss\", \"direction\": \"minimize\"}]}"

static void start_paused(void)
{
    api_fixture_start(&f);
    api_expect(&f, 201, "POST", "/v1/studies", PAUSED_STUDY);
    api_expect(&f, 200, "PATCH", "/v1/studies/w", "{\"state\": \"paused\"}");
}

struct waiting {
    const char *name, *method, *path, *body;
    int status;
};

static const struct waiting waitings[] = {
    {"read", "GET", "/v1/studies/w?wait=60", NULL, 200},
    {"ask", "POST", "/v1/studies/w/leases", "{\"wait_seconds\": 60}", 201},
    {"tool", "POST", "/mcp",
     "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"tools/call\", \"params\": {\"name\": "
     "\"wait\", \"arguments\": {\"study\": \"w\", \"seconds\": 50}}}",
     200},
};
#define N_WAITINGS (sizeof waitings / sizeof waitings[0])

static int begin(const struct waiting *waiting)
{
    int client = http_connect(f.port);

    http_send_request(client, waiting->method, waiting->path,
                      "MCP-Protocol-Version: 2025-06-18\r\n", waiting->body);
    return client;
}

/* Waits until so many requests are suspended. */
static void await_deferred(uint64_t wanted)
{
    struct http_stats stats;

    do {
        (void)sched_yield();
        http_server_stats(f.api.http, &stats);
    } while (stats.deferred != wanted);
}

static void expect_interim(int client)
{
    char text[25];

    ck_assert_int_eq(recv(client, text, sizeof text, MSG_WAITALL), sizeof text);
    ck_assert_mem_eq(text, "HTTP/1.1 100 Continue\r\n\r\n", sizeof text);
}

START_TEST(one_that_ends_its_side_waits_as_all_others)
{
    const struct waiting *waiting = &waitings[_i];
    OWN(http_answer) struct http_answer answer;

    start_paused();
    OWN(fd) int client = begin(waiting);
    await_deferred(1);
    ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
    expect_interim(client);
    http_stream_wake(f.api.http, NULL); /* looks at all that wait */
    api_expect(&f, 200, "PATCH", "/v1/studies/w", "{\"state\": \"running\"}");
    ck_assert_msg(http_receive(client, false, &answer) == waiting->status, "%s: %d", waiting->name,
                  answer.status);
    ck_assert_msg(strstr(buf_text(&answer.body), "running") != NULL
                      || strstr(buf_text(&answer.body), "\"number\":1,") != NULL,
                  "%s: %s", waiting->name, buf_text(&answer.body));
    api_fixture_stop(&f);
}
END_TEST

/* A read ends at once. An ask stays, and takes no trial. */
START_TEST(one_that_closes_waits_no_more)
{
    const struct waiting *waiting = &waitings[_i];
    bool is_ask = waiting->status == 201;

    start_paused();
    int client = begin(waiting);
    await_deferred(1);
    (void)close(client);
    if (!is_ask) {
        await_deferred(0);
    }
    api_expect(&f, 200, "PATCH", "/v1/studies/w", "{\"state\": \"running\"}");
    api_expect(&f, 201, "POST", "/v1/studies/w/leases", "{}");
    api_fixture_stop(&f);
}
END_TEST

START_TEST(with_http_1_0_a_wait_is_answered_when_the_client_ends_its_side)
{
    OWN(http_answer) struct http_answer answer;

    start_paused();
    OWN(fd) int client = http_connect(f.port);
    ck_assert_int_gt(
        dprintf(client, "GET /v1/studies/w?wait=60 HTTP/1.0\r\nHost: localhost\r\n\r\n"), 0);
    await_deferred(1);
    ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
    ck_assert_int_eq(http_receive(client, false, &answer), 200);
    api_fixture_stop(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_left");
    TCase *tcase = tcase_create("left");

    tcase_add_test(tcase, a_read_ends_when_its_client_leaves);
    tcase_add_test(tcase, one_that_only_ends_its_side_gets_its_answer);
    tcase_add_loop_test(tcase, one_that_ends_its_side_waits_as_all_others, 0, (int)N_WAITINGS);
    tcase_add_loop_test(tcase, one_that_closes_waits_no_more, 0, (int)N_WAITINGS);
    tcase_add_test(tcase, with_http_1_0_a_wait_is_answered_when_the_client_ends_its_side);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

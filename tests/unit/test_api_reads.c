/* What is read of studies and their trials, over real sockets and the real engine. */
#include <check.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/best.h"
#include "tests/support/run_suite.h"
#include "tests/unit/api_fixture.h"

#define STUDY                                                                                      \
    "{\"name\": \"demo\", \"metric\": \"loss\", \"direction\": \"minimize\", \"strategy\": "       \
    "\"random\", \"seed\": 7, \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": "   \
    "0, \"high\": 1}, {\"name\": \"mode\", \"type\": \"categorical\", \"choices\": [\"a,b\", "     \
    "\"c\"]}]}"

/* Six trials whose losses are 3 1 2 6 5 4, in a fresh server. */
static void start_with_trials(struct api_fixture *f)
{
    static const double losses[] = {3, 1, 2, 6, 5, 4};

    api_fixture_start(f);
    api_expect(f, 201, "POST", "/v1/studies", STUDY);
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        ck_assert_int_eq(api_finish_trial(f, "demo", losses[i], i == 0 ? 0.5 : (double)NAN),
                         (int64_t)i + 1);
    }
}

/* The numbers in `items`, as "3 1 2". */
static void numbers_of(const json_t *page, char text[200])
{
    const json_t *items = json_object_get(page, "items");
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *number = json_object_get(json_array_get(items, i), "number");
        len += (size_t)snprintf(text + len, 200 - len, "%s%d", i > 0 ? " " : "",
                                (int)json_integer_value(number));
    }
}

static const struct {
    const char *query;
    const char *numbers;
} orders[] = {
    {"", "1 2 3 4 5 6"},
    {"?sort=number", "1 2 3 4 5 6"},
    {"?sort=-number", "6 5 4 3 2 1"},
    {"?sort=best", "2 3 1 6 5 4"},
    {"?sort=-best", "4 5 6 1 3 2"},
    {"?sort=metric:loss", "2 3 1 6 5 4"},
    {"?sort=metric:extra", "1 2 3 4 5 6"},
    {"?limit=2", "1 2"},
    {"?limit=2&sort=-number", "6 5"},
    {"?state=completed", "1 2 3 4 5 6"},
    {"?state=failed,running", ""},
    {"?source=suggested&worker=w1", "1 2 3 4 5 6"},
    {"?source=imported", ""},
    {"?worker=unknown", ""},
};

START_TEST(trials_come_in_the_order_asked_for)
{
    struct api_fixture f;
    char path[200];
    char numbers[200];

    start_with_trials(&f);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        (void)snprintf(path, sizeof path, "/v1/studies/demo/trials%s", orders[i].query);
        api_expect(&f, 200, "GET", path, NULL);
        json_auto_t *page = api_json(&f);
        numbers_of(page, numbers);
        ck_assert_msg(strcmp(numbers, orders[i].numbers) == 0, "%s: %s", path, numbers);
    }
    api_fixture_stop(&f);
}
END_TEST

/* Follows next_cursor to the end; the numbers of all pages. */
static void walk(struct api_fixture *f, const char *sort, char all[400])
{
    char path[400];
    char cursor[200] = "";
    char numbers[200];

    all[0] = '\0';
    for (int page_number = 0; page_number < 20; page_number++) {
        (void)snprintf(path, sizeof path, "/v1/studies/demo/trials?limit=2&sort=%s%s%s", sort,
                       cursor[0] != '\0' ? "&cursor=" : "", cursor);
        api_expect(f, 200, "GET", path, NULL);
        json_auto_t *page = api_json(f);
        numbers_of(page, numbers);
        (void)strcat(all, all[0] != '\0' && numbers[0] != '\0' ? " " : "");
        (void)strcat(all, numbers);
        const char *next = json_string_value(json_object_get(page, "next_cursor"));
        ck_assert_int_eq(next == NULL, http_answer_header(&f->last, "Link") == NULL);
        if (next == NULL) {
            return;
        }
        (void)snprintf(cursor, sizeof cursor, "%s", next);
    }
    ck_abort_msg("the walk does not end");
}

START_TEST(a_walk_covers_every_trial_once)
{
    static const struct {
        const char *sort, *numbers;
    } walks[] = {{"number", "1 2 3 4 5 6"},
                 {"-number", "6 5 4 3 2 1"},
                 {"best", "2 3 1 6 5 4"},
                 {"-best", "4 5 6 1 3 2"},
                 {"metric:extra", "1 2 3 4 5 6"},
                 {"best&worker=w1", "2 3 1 6 5 4"},
                 {"best&worker=unknown", ""},
                 {"-best&source=suggested&state=completed&worker=w1", "4 5 6 1 3 2"}};
    struct api_fixture f;
    char all[400];

    start_with_trials(&f);
    for (size_t i = 0; i < sizeof walks / sizeof walks[0]; i++) {
        walk(&f, walks[i].sort, all);
        ck_assert_str_eq(all, walks[i].numbers);
    }
    api_fixture_stop(&f);
}
END_TEST

START_TEST(a_walk_by_value_is_not_disturbed_by_new_results)
{
    struct api_fixture f;
    char path[300];
    char numbers[200];

    start_with_trials(&f);
    api_expect(&f, 200, "GET", "/v1/studies/demo/trials?limit=3&sort=best", NULL);
    json_auto_t *first = api_json(&f);
    (void)api_finish_trial(&f, "demo", 4.5, (double)NAN);
    (void)snprintf(path, sizeof path, "/v1/studies/demo/trials?limit=3&sort=best&cursor=%s",
                   json_string_value(json_object_get(first, "next_cursor")));
    api_expect(&f, 200, "GET", path, NULL);
    json_auto_t *second = api_json(&f);
    numbers_of(second, numbers);
    ck_assert_str_eq(numbers, "6 5 4");
    ck_assert(json_is_null(json_object_get(second, "next_cursor")));
    api_fixture_stop(&f);
}
END_TEST

static const struct {
    const char *path;
    int status;
} refusals[] = {
    {"/v1/studies/demo/trials?limit=0", 400},
    {"/v1/studies/demo/trials?limit=1001", 400},
    {"/v1/studies/demo/trials?limit=x", 400},
    {"/v1/studies/demo/trials?sort=price", 400},
    {"/v1/studies/demo/trials?sort=metric:", 400},
    {"/v1/studies/demo/trials?state=happy", 400},
    {"/v1/studies/demo/trials?source=heaven", 400},
    {"/v1/studies/demo/trials?cursor=zzz", 400},
    {"/v1/studies/demo/trials?cursor=v1_0_0000000000000000_2", 400},
    {"/v1/studies/demo/trials?sort=best&cursor=n2", 400},
    {"/v1/studies/demo/trials?colour=red", 400},
    {"/v1/studies/demo/trials/0", 404},
    {"/v1/studies/demo/trials/99", 404},
    {"/v1/studies/demo/trials/99/measurements", 404},
    {"/v1/studies/demo/trials/1x/attempts", 404},
    {"/v1/studies/demo/trials/1/measurements?metric=unknown", 404},
    {"/v1/studies/other/trials", 404},
    {"/v1/studies/other/best", 404},
    {"/v1/studies/other/export", 404},
    {"/v1/studies/other/events", 404},
    {"/v1/studies/demo/export?format=json", 400},
    {"/v1/studies/demo/export?colour=red", 400},
    {"/v1/studies/demo/events?colour=red", 400},
    {"/v1/studies/demo/brackets?colour=red", 400},
    {"/v1/studies/demo/trials?cols=number", 400},
    {"/v1/studies/demo/trials?width=80", 400},
    {"/v1/studies/demo/trials?format=sse", 400},
    {"/v1/studies/demo/trials/1/explain?colour=red", 400},
    {"/v1/studies/other/brackets", 404},
    {"/v1/studies/demo/trials/01/explain", 404},
    {"/v1/events?after=-1", 400},
    {"/v1/events?after=soon", 400},
    {"/v1/workers/unknown", 404},
    {"/v1/workers?limit=0", 400},
    {"/v1/workers?cursor=b", 400},
    {"/v1/workers?cursor=w", 400},
    {"/v1/workers?cursor=w%22", 400},
    {"/problems/nothing", 404},
    {"/problems/numeric", 404},
};

START_TEST(what_cannot_be_read_is_refused_in_words)
{
    struct api_fixture f;

    start_with_trials(&f);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        api_expect(&f, refusals[i].status, "GET", refusals[i].path, NULL);
        ck_assert_str_eq(http_answer_header(&f.last, "Content-Type"), "application/problem+json");
        json_auto_t *problem = api_json(&f);
        ck_assert_int_eq(json_integer_value(json_object_get(problem, "status")),
                         refusals[i].status);
        ck_assert_uint_gt(json_string_length(json_object_get(problem, "detail")), 10);
    }
    api_fixture_stop(&f);
}
END_TEST

/* The name leads to nothing, whether the request reads or writes. */
static const struct {
    const char *method;
    const char *path;
    const char *body;
    const char *detail;
} missing[] = {
#define NO_STUDY "there is no study \"other\"; GET /v1/studies lists them"
    {"GET", "/v1/studies/other", NULL, NO_STUDY},
    {"GET", "/v1/studies/other/events", NULL, NO_STUDY},
    {"PATCH", "/v1/studies/other", "{\"priority\": 2}", NO_STUDY},
    {"DELETE", "/v1/studies/other", NULL, NO_STUDY},
    {"POST", "/v1/studies/other/trials", "{\"parameters\": {\"x\": 0}}", NO_STUDY},
    {"PATCH", "/v1/studies/other/trials/1", "{\"state\": \"cancelled\"}", NO_STUDY},
#define NO_LEASE "there is no such lease; use the id that POST /v1/leases answered"
    {"PUT", "/v1/leases/other", "{}", NO_LEASE},
    {"DELETE", "/v1/leases/l_aabbccddeeffgghhiijjkkll", NULL, NO_LEASE},
    {"DELETE", "/v1/leases/l_baaaaaaaaaaaaaaaaaaaa", NULL, NO_LEASE},
    {"DELETE", "/v1/leases/l_jaaaaaaaaaaaaaaaaaaaa", NULL, NO_LEASE},
};

START_TEST(what_is_missing_is_told_in_one_sentence)
{
    struct api_fixture f;

    start_with_trials(&f);
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        api_expect(&f, 404, missing[i].method, missing[i].path, missing[i].body);
        json_auto_t *problem = api_json(&f);
        ck_assert_str_eq(json_string_value(json_object_get(problem, "detail")), missing[i].detail);
    }
    api_fixture_stop(&f);
}
END_TEST

START_TEST(studies_are_listed_in_pages)
{
    struct api_fixture f;
    char body[500];

    api_fixture_start(&f);
    for (int i = 0; i < 5; i++) {
        (void)snprintf(body, sizeof body,
                       "{\"name\": \"s%d\", \"metric\": \"loss\", \"direction\": "
                       "\"minimize\", \"strategy\": \"random\", \"parameters\": [{\"name\": "
                       "\"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}]}",
                       i);
        api_expect(&f, 201, "POST", "/v1/studies", body);
    }
    api_expect(&f, 200, "PATCH", "/v1/studies/s1", "{\"state\": \"paused\"}");
    api_expect(&f, 200, "GET", "/v1/studies?limit=3", NULL);
    json_auto_t *first = api_json(&f);
    ck_assert_uint_eq(json_array_size(json_object_get(first, "items")), 3);
    (void)snprintf(body, sizeof body, "/v1/studies?limit=3&cursor=%s",
                   json_string_value(json_object_get(first, "next_cursor")));
    api_expect(&f, 200, "GET", body, NULL);
    json_auto_t *second = api_json(&f);
    ck_assert_str_eq(json_string_value(json_at(second, "items.1.name")), "s4");
    ck_assert(json_is_null(json_object_get(second, "next_cursor")));
    api_expect(&f, 200, "GET", "/v1/studies?state=paused&format=text", NULL);
    ck_assert_int_eq(strncmp(buf_text(&f.last.body), "s1\tpaused\t\trandom\t0\t", 20), 0);
    api_expect(&f, 200, "GET", "/v1/studies/s1?format=text", NULL);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "state: paused\n"));
    ck_assert_int_eq(strncmp(http_answer_header(&f.last, "ETag"), "\"2-", 3), 0);
    api_expect(&f, 400, "GET", "/v1/studies?state=happy", NULL);
    api_expect(&f, 400, "GET", "/v1/studies?cursor=n1", NULL);
    api_fixture_stop(&f);
}
END_TEST

START_TEST(best_history_and_front_agree)
{
    struct api_fixture f;
    char numbers[200];

    start_with_trials(&f);
    api_expect(&f, 200, "GET", "/v1/studies/demo/best", NULL);
    json_auto_t *best = api_json(&f);
    ck_assert_int_eq(json_integer_value(json_at(best, "trial.number")), 2);
    ck_assert(json_is_null(json_object_get(best, "resource")));
    api_expect(&f, 200, "GET", "/v1/studies/demo/history", NULL);
    json_auto_t *history = api_json(&f);
    numbers_of(history, numbers);
    ck_assert_str_eq(numbers, "1 2");
    api_expect(&f, 200, "GET", "/v1/studies/demo/pareto", NULL);
    json_auto_t *front = api_json(&f);
    numbers_of(front, numbers);
    ck_assert_str_eq(numbers, "2");
    api_fixture_stop(&f);
}
END_TEST

START_TEST(best_of_nothing_is_null)
{
    struct api_fixture f;

    api_fixture_start(&f);
    api_expect(&f, 201, "POST", "/v1/studies", STUDY);
    api_expect(&f, 200, "GET", "/v1/studies/demo/best", NULL);
    json_auto_t *best = api_json(&f);
    ck_assert(json_is_null(json_object_get(best, "trial")));
    api_expect(&f, 200, "GET", "/v1/studies/demo/trials", NULL);
    ck_assert_str_eq(buf_text(&f.last.body), "{\"items\":[],\"next_cursor\":null}\n");
    api_fixture_stop(&f);
}
END_TEST

START_TEST(several_objectives_have_a_front_and_no_best)
{
    static const double points[][2] = {{1, 1}, {2, 3}, {3, 2}, {0.5, 0.5}, {2, 3}};
    struct api_fixture f;
    char numbers[200];

    api_fixture_start(&f);
    api_expect(&f, 201, "POST", "/v1/studies",
               "{\"name\": \"demo\", \"objectives\": [{\"metric\": \"loss\", \"direction\": "
               "\"maximize\"}, {\"metric\": \"extra\", \"direction\": \"maximize\"}], "
               "\"strategy\": \"random\", \"parameters\": [{\"name\": \"x\", \"type\": \"float\", "
               "\"low\": 0, \"high\": 1}]}");
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        (void)api_finish_trial(&f, "demo", points[i][0], points[i][1]);
    }
    api_expect(&f, 200, "GET", "/v1/studies/demo/pareto", NULL);
    json_auto_t *front = api_json(&f);
    numbers_of(front, numbers);
    ck_assert_str_eq(numbers, "2 3 5");
    api_expect(&f, 409, "GET", "/v1/studies/demo/best", NULL);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "pareto"));
    api_fixture_stop(&f);
}
END_TEST

/* Page by page as at once; one metric has gaps. */
START_TEST(a_walk_over_measurements_covers_each_once)
{
    struct api_fixture f;
    OWN(buf) struct buf pages;
    char path[200] = "/v1/studies/demo/trials/7/measurements?limit=2";

    start_with_trials(&f);
    buf_init(&pages, 1 << 16);
    api_expect(&f, 201, "POST", "/v1/studies/demo/leases", "{\"worker\": \"w1\"}");
    json_auto_t *grant = api_json(&f);
    char report[200];
    (void)snprintf(report, sizeof report, "/v1/leases/%s/measurements",
                   json_string_value(json_at(grant, "lease.id")));
    api_expect(&f, 200, "POST", report,
               "{\"measurements\": [{\"step\": 1, \"metrics\": {\"loss\": 5, \"extra\": 1}}, "
               "{\"step\": 2, \"metrics\": {\"loss\": 4}}, {\"step\": 3, \"metrics\": {\"loss\": "
               "3}}, {\"step\": 4, \"metrics\": {\"extra\": 2}}, {\"step\": 5, \"metrics\": "
               "{\"loss\": 2, \"extra\": 3}}]}");
    for (int page = 0; page < 3; page++) {
        api_expect(&f, 200, "GET", path, NULL);
        json_auto_t *answer = api_json(&f);
        json_auto_t *items = json_incref(json_object_get(answer, "items"));
        char *text = json_dumps(items, JSON_COMPACT);
        buf_puts(&pages, text);
        free(text);
        const char *next = json_string_value(json_object_get(answer, "next_cursor"));
        ck_assert_int_eq(next == NULL, page == 2);
        (void)snprintf(path, sizeof path,
                       "/v1/studies/demo/trials/7/measurements?limit=2&cursor=%s",
                       next == NULL ? "" : next);
    }
    ck_assert_str_eq(buf_text(&pages),
                     "[{\"attempt\":1,\"step\":1,\"metrics\":{\"loss\":5,\"extra\":1}},"
                     "{\"attempt\":1,\"step\":2,\"metrics\":{\"loss\":4}}]"
                     "[{\"attempt\":1,\"step\":3,\"metrics\":{\"loss\":3}},"
                     "{\"attempt\":1,\"step\":4,\"metrics\":{\"extra\":2}}]"
                     "[{\"attempt\":1,\"step\":5,\"metrics\":{\"loss\":2,\"extra\":3}}]");
    api_fixture_stop(&f);
}
END_TEST

START_TEST(measurements_and_attempts_of_a_trial)
{
    struct api_fixture f;

    start_with_trials(&f);
    api_expect(&f, 200, "GET", "/v1/studies/demo/trials/1/measurements", NULL);
    ck_assert_str_eq(buf_text(&f.last.body),
                     "{\"items\":[{\"attempt\":1,\"step\":1,\"metrics\":{\"loss\":3,\"extra\":0.5}}"
                     "],\"next_cursor\":null}\n");
    api_expect(&f, 200, "GET", "/v1/studies/demo/trials/2/measurements?format=csv", NULL);
    ck_assert_str_eq(buf_text(&f.last.body), "attempt,step,loss,extra\n1,1,1,\n");
    api_expect(&f, 200, "GET", "/v1/studies/demo/trials/1/measurements?metric=extra", NULL);
    json_auto_t *filtered = api_json(&f);
    ck_assert_uint_eq(json_object_size(json_at(filtered, "items.0.metrics")), 1);
    api_expect(&f, 200, "GET", "/v1/studies/demo/trials/1/attempts", NULL);
    json_auto_t *attempts = api_json(&f);
    ck_assert_str_eq(json_string_value(json_at(attempts, "items.0.state")), "completed");
    ck_assert_str_eq(json_string_value(json_at(attempts, "items.0.worker")), "w1");
    api_fixture_stop(&f);
}
END_TEST

START_TEST(a_running_trial_tells_what_it_has_come_to)
{
    struct api_fixture f;
    char path[160];

    api_fixture_start(&f);
    api_expect(&f, 201, "POST", "/v1/studies", STUDY);
    api_expect(&f, 201, "POST", "/v1/leases", "{\"worker\": \"w1\"}");
    json_auto_t *lease = api_json(&f);
    (void)snprintf(path, sizeof path, "/v1/leases/%s/measurements",
                   json_string_value(json_at(lease, "lease.id")));
    api_expect(&f, 200, "GET", "/v1/studies/demo/trials/1", NULL);
    ck_assert_ptr_null(strstr(buf_text(&f.last.body), "\"live\""));
    api_expect(&f, 200, "POST", path,
               "{\"measurements\": [{\"step\": 2, \"metrics\": {\"loss\": 0.5}}]}");
    api_expect(&f, 200, "GET", "/v1/studies/demo/trials/1", NULL);
    ck_assert_ptr_nonnull(
        strstr(buf_text(&f.last.body), "\"step\":null,\"live\":{\"step\":2,\"value\":0.5}"));
    api_expect(&f, 200, "GET", "/v1/studies/demo/trials?state=running", NULL);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "\"live\":{\"step\":2,\"value\":0.5}"));
    api_expect(&f, 200, "GET", "/v1/studies/demo/trials?format=csv", NULL);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "1,running,,,,1,w1"));
    api_expect(&f, 200, "GET", "/v1/studies/demo/trials?format=table", NULL);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "0.5"));
    api_fixture_stop(&f);
}
END_TEST

static size_t count_lines(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++) {
        n += *text == '\n' ? 1 : 0;
    }
    return n;
}

START_TEST(exports_hold_every_trial)
{
    struct api_fixture f;

    start_with_trials(&f);
    api_expect(&f, 200, "GET", "/v1/studies/demo/export", NULL);
    const char *csv = buf_text(&f.last.body);
    ck_assert_uint_eq(count_lines(csv), 7);
    ck_assert_ptr_nonnull(strstr(csv, "number,state,reason,value,step,attempt,worker,source"));
    ck_assert_ptr_nonnull(strstr(csv, "metrics.loss,metrics.extra,parameters.x,parameters.mode"));
    ck_assert_ptr_nonnull(strstr(http_answer_header(&f.last, "Content-Disposition"), "demo.csv"));
    api_expect(&f, 200, "GET", "/v1/studies/demo/export?format=ndjson", NULL);
    ck_assert_uint_eq(count_lines(buf_text(&f.last.body)), 6);
    json_auto_t *first = json_loads(buf_text(&f.last.body), JSON_DISABLE_EOF_CHECK, NULL);
    ck_assert_int_eq(json_integer_value(json_object_get(first, "number")), 1);
    api_fixture_stop(&f);
}
END_TEST

START_TEST(a_long_export_goes_on_over_slices)
{
    struct api_fixture f;
    OWN(buf) struct buf body;

    api_fixture_start(&f);
    api_expect(&f, 201, "POST", "/v1/studies", STUDY);
    for (int page = 0; page < 3; page++) {
        buf_init(&body, 1 << 20);
        for (int i = 0; i < 900; i++) {
            buf_printf(&body, "%s{\"parameters\": {\"x\": %g, \"mode\": \"c\"}}",
                       i == 0 ? "[" : ",", i / 1000.0);
        }
        buf_putc(&body, ']');
        api_expect(&f, 201, "POST", "/v1/studies/demo/trials", buf_text(&body));
        buf_finish(&body);
    }
    api_expect(&f, 200, "GET", "/v1/studies/demo/export", NULL);
    ck_assert_uint_eq(count_lines(buf_text(&f.last.body)), 2701);
    api_fixture_stop(&f);
}
END_TEST

/* ---- events ---- */

START_TEST(events_are_followed_and_resumed)
{
    struct api_fixture f;
    OWN(buf) struct buf seen;

    start_with_trials(&f);
    OWN(fd) int fd = http_connect(f.port);
    buf_init(&seen, 1 << 20);
    http_send_request(fd, "GET", "/v1/studies/demo/events?after=12",
                      "Accept: text/event-stream\r\n", NULL);
    ck_assert(http_receive_until(fd, &seen, "id: 13\n"));
    ck_assert_ptr_null(strstr(buf_text(&seen), "id: 12\n"));
    (void)api_finish_trial(&f, "demo", 9, (double)NAN);
    ck_assert(http_receive_until(fd, &seen, "id: 15\n"));
    ck_assert(
        http_receive_until(fd, &seen,
                           "event: measurement\ndata: {\"kind\":\"measurement\",\"study\":\"demo\","
                           "\"trial\":7,\"attempt\":1,\"report\":{\"measurements\":[{\"step\":1,"
                           "\"metrics\":{\"loss\":9}}]}}\n\n"));
    ck_assert(http_receive_until(fd, &seen, "event: trial-ended\ndata: {\"seq\":15"));
    api_fixture_stop(&f);
}
END_TEST

START_TEST(events_that_are_there_come_without_waiting)
{
    struct api_fixture f;

    start_with_trials(&f);
    api_expect(&f, 200, "GET", "/v1/events?follow=false", NULL);
    ck_assert_uint_eq(count_lines(buf_text(&f.last.body)), 13);
    api_expect(&f, 200, "GET", "/v1/events?follow=false&after=13", NULL);
    ck_assert_uint_eq(f.last.body.len, 0);
    api_fixture_stop(&f);
}
END_TEST

/* ---- pages that find nothing ---- */

enum { PASSED_OVER = 4000, IN_ALL = 5000, A_TIME = 1000 };

static void import_many(struct api_fixture *f)
{
    OWN(buf) struct buf body;

    buf_init(&body, 1 << 20);
    for (int i = 0; i < A_TIME; i++) {
        buf_printf(&body,
                   "%s{\"state\": \"completed\", \"parameters\": {\"x\": 0.5, \"mode\": \"c\"}, "
                   "\"metrics\": {\"loss\": %d}}",
                   i == 0 ? "[" : ", ", i);
    }
    buf_putc(&body, ']');
    for (int i = 0; i < IN_ALL; i += A_TIME) {
        api_expect(f, 201, "POST", "/v1/studies/demo/trials", buf_text(&body));
    }
}

/* A page that passes over many rows ends early, and the next one goes on behind them. */
START_TEST(a_page_looks_at_a_bounded_number_of_trials)
{
    static const char *const sorts[] = {"number", "-number", "best", "-best", "metric:loss"};
    struct api_fixture f;

    api_fixture_start(&f);
    api_expect(&f, 201, "POST", "/v1/studies", STUDY);
    import_many(&f);
    for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
        char path[300];
        (void)snprintf(path, sizeof path, "/v1/studies/demo/trials?worker=none&sort=%s", sorts[i]);
        api_expect(&f, 200, "GET", path, NULL);
        json_auto_t *first = api_json(&f);
        const char *cursor = json_string_value(json_object_get(first, "next_cursor"));
        ck_assert_msg(cursor != NULL, "%s: more than %d trials were looked at", sorts[i],
                      PASSED_OVER);
        ck_assert_uint_eq(json_array_size(json_object_get(first, "items")), 0);
        (void)snprintf(path, sizeof path, "/v1/studies/demo/trials?worker=none&sort=%s&cursor=%s",
                       sorts[i], cursor);
        api_expect(&f, 200, "GET", path, NULL);
        json_auto_t *second = api_json(&f);
        ck_assert(json_is_null(json_object_get(second, "next_cursor")));
    }
    api_fixture_stop(&f);
}
END_TEST

/* ---- the tool "best" ---- */

static atomic_int n_best;

static void count_best(void *context, struct http_request *request)
{
    atomic_fetch_add(&n_best, 1);
    get_best(context, request);
}

/* The trial and what is recommended are of one moment. */
START_TEST(the_best_tool_reads_once)
{
    static struct http_route routes[200];
    struct api_fixture f;

    memcpy(routes, api_routes, api_n_routes * sizeof routes[0]);
    for (size_t i = 0; i < api_n_routes; i++) {
        if (routes[i].handle == get_best) {
            routes[i].handle = count_best;
        }
    }
    atomic_store(&n_best, 0);
    api_fixture_start_routes(&f, routes, api_n_routes);
    api_expect(&f, 201, "POST", "/v1/studies",
               "{\"name\": \"t\", \"strategy\": \"random\", \"parameters\": [{\"name\": \"x\", "
               "\"type\": \"categorical\", \"choices\": [null, \"a\\nb\"]}], \"objectives\": "
               "[{\"metric\": \"loss\", \"direction\": \"minimize\"}]}");
    api_expect(&f, 201, "POST", "/v1/studies/t/trials",
               "[{\"state\": \"completed\", \"parameters\": {\"x\": null}, \"metrics\": "
               "{\"loss\": 2}}]");
    static const char ask[] =
        "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"tools/call\", "
        "\"params\": {\"name\": \"best\", \"arguments\": {\"study\": \"t\"}}}";
    api_expect(&f, 200, "POST", "/mcp", ask);
    ck_assert_int_eq(atomic_load(&n_best), 1);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "| parameters.x: null\\n"));
    api_expect(&f, 201, "POST", "/v1/studies/t/trials",
               "[{\"state\": \"completed\", \"parameters\": {\"x\": \"a\\nb\"}, \"metrics\": "
               "{\"loss\": 1}}]");
    api_expect(&f, 200, "POST", "/mcp", ask);
    ck_assert_int_eq(atomic_load(&n_best), 2);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "| metrics.loss: 1\\n"));
    ck_assert_msg(strstr(buf_text(&f.last.body), "| parameters.x: a\\\\x0ab\\n") != NULL, "%s",
                  buf_text(&f.last.body));
    api_fixture_stop(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_reads");
    TCase *tcase = tcase_create("reads");

    json_start();
    tcase_add_test(tcase, trials_come_in_the_order_asked_for);
    tcase_add_test(tcase, a_walk_covers_every_trial_once);
    tcase_add_test(tcase, a_walk_by_value_is_not_disturbed_by_new_results);
    tcase_add_test(tcase, what_cannot_be_read_is_refused_in_words);
    tcase_add_test(tcase, what_is_missing_is_told_in_one_sentence);
    tcase_add_test(tcase, studies_are_listed_in_pages);
    tcase_add_test(tcase, best_history_and_front_agree);
    tcase_add_test(tcase, best_of_nothing_is_null);
    tcase_add_test(tcase, the_best_tool_reads_once);
    tcase_add_test(tcase, a_page_looks_at_a_bounded_number_of_trials);
    tcase_add_test(tcase, several_objectives_have_a_front_and_no_best);
    tcase_add_test(tcase, a_walk_over_measurements_covers_each_once);
    tcase_add_test(tcase, measurements_and_attempts_of_a_trial);
    tcase_add_test(tcase, a_running_trial_tells_what_it_has_come_to);
    tcase_add_test(tcase, exports_hold_every_trial);
    tcase_add_test(tcase, a_long_export_goes_on_over_slices);
    tcase_add_test(tcase, events_are_followed_and_resumed);
    tcase_add_test(tcase, events_that_are_there_come_without_waiting);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

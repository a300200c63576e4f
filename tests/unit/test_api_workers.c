/* The workers that the server knows: how they are listed, when they are gone, and that they are
 * drained and resumed. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/clock_ahead.h"
#include "tests/support/run_suite.h"
#include "tests/unit/api_fixture.h"

#define STUDY                                                                                      \
    "{\"name\": \"demo\", \"metric\": \"loss\", \"direction\": \"minimize\", \"strategy\": "       \
    "\"random\", \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": "   \
    "1}]}"

START_TEST(workers_are_listed_with_what_they_hold)
{
    struct api_fixture f;

    api_fixture_start(&f);
    api_expect(&f, 201, "POST", "/v1/studies", STUDY);
    api_expect(&f, 201, "POST", "/v1/leases", "{\"worker\": \"gpu07:0\", \"host\": \"gpu07\"}");
    api_expect(&f, 200, "GET", "/v1/workers", NULL); /* an answered lease is seen at once */
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "\"trial\":1"));
    api_expect(&f, 200, "GET", "/v1/workers/gpu07:0", NULL);
    json_auto_t *worker = api_json(&f);
    ck_assert_str_eq(json_string_value(json_object_get(worker, "host")), "gpu07");
    ck_assert_int_eq(json_integer_value(json_at(worker, "leases.0.trial")), 1);
    api_fixture_stop(&f);
}
END_TEST

static void expect_worker(struct api_fixture *f, const char *state)
{
    api_expect(f, 200, "GET", "/v1/workers", NULL);
    ck_assert_msg(strstr(buf_text(&f->last.body), state) != NULL, "%s", buf_text(&f->last.body));
}

START_TEST(workers_are_listed_by_name)
{
    static const char *const names[] = {"b", "B", "a-10", "zz", "a-2", "0"};
    struct api_fixture f;
    char body[100];

    api_fixture_start(&f);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(body, sizeof body, "{\"worker\": \"%s\"}", names[i]);
        api_expect(&f, 200, "POST", "/v1/leases", body);
    }
    api_expect(&f, 200, "GET", "/v1/workers?format=csv", NULL);
    const char *at = buf_text(&f.last.body);
    static const char *const sorted[] = {"0", "B", "a-10", "a-2", "b", "zz"};
    for (size_t i = 0; i < sizeof sorted / sizeof sorted[0]; i++) {
        at = strchr(at, '\n') + 1;
        ck_assert_int_eq(strncmp(at, sorted[i], strlen(sorted[i])), 0);
    }
    char path[200] = "/v1/workers?limit=4";
    for (size_t i = 0; i < 6; i++) { /* pages of four and of two */
        if (i % 4 == 0) {
            api_expect(&f, 200, "GET", path, NULL);
            json_auto_t *page = api_json(&f);
            const char *next = json_string_value(json_object_get(page, "next_cursor"));
            ck_assert_uint_eq(json_array_size(json_object_get(page, "items")), i == 0 ? 4 : 2);
            ck_assert_int_eq(next != NULL, i == 0);
            (void)snprintf(path, sizeof path, "/v1/workers?limit=4&cursor=%s", next);
        }
        (void)snprintf(body, sizeof body, "\"name\":\"%s\"", sorted[i]);
        ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), body));
    }
    api_fixture_stop(&f);
}
END_TEST

static struct clock_ahead ahead;

static void wait_for_worker(struct api_fixture *f, const char *state)
{
    do { /* the time alone replaces the view after 100 ms */
        api_expect(f, 200, "GET", "/v1/workers", NULL);
    } while (strstr(buf_text(&f->last.body), state) == NULL);
}

START_TEST(a_worker_that_asks_no_more_is_gone)
{
    struct api_fixture f;

    clock_ahead_init(&ahead);
    api_fixture_start_at(&f, &ahead.clock);
    api_expect(&f, 201, "POST", "/v1/studies", STUDY);
    api_expect(&f, 201, "POST", "/v1/leases", "{\"worker\": \"gpu07:0\"}");
    char lease[100];
    json_auto_t *grant = api_json(&f);
    (void)snprintf(lease, sizeof lease, "/v1/leases/%s",
                   json_string_value(json_at(grant, "lease.id")));
    ahead.by_ms = 14 * 60000;
    api_expect(&f, 200, "PUT", lease, "{}");
    ahead.by_ms += 14 * 60000;
    expect_worker(&f, "\"state\":\"active\""); /* its lease is over, but it was heard of */
    ahead.by_ms += 2 * 60000;
    wait_for_worker(&f, "\"state\":\"gone\"");
    api_expect(&f, 200, "PUT", lease, "{}");
    expect_worker(&f, "\"state\":\"active\"");
    api_expect(&f, 204, "DELETE", lease, NULL);
    expect_worker(&f, "\"state\":\"active\"");
    ahead.by_ms += 16 * 60000;
    wait_for_worker(&f, "\"state\":\"gone\"");
    api_expect(&f, 200, "POST", "/v1/workers/gpu07/drain", NULL);
    expect_worker(&f, "\"state\":\"draining\"");
    api_fixture_stop(&f);
}
END_TEST

START_TEST(a_worker_is_drained_and_resumed)
{
    struct api_fixture f;

    api_fixture_start(&f);
    api_expect(&f, 201, "POST", "/v1/studies", STUDY);
    api_expect(&f, 404, "POST", "/v1/workers/gpu07/drain", NULL);
    api_expect(&f, 201, "POST", "/v1/leases",
               "{\"worker\": \"gpu07:0\", \"health\": {\"ok\": false, \"reason\": \"no disk\"}}");
    expect_worker(&f, "\"state\":\"active\",\"reason\":\"no disk\"");
    api_expect(&f, 422, "POST", "/v1/workers/gpu07/drain", "{\"now\": true}");
    api_expect(&f, 200, "POST", "/v1/workers/gpu07/drain", "{}");
    ck_assert_str_eq(buf_text(&f.last.body), "{\"worker\":\"gpu07\",\"state\":\"draining\"}\n");
    expect_worker(&f, "\"state\":\"draining\"");
    api_expect(&f, 200, "GET", "/metrics", NULL);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "\nhone_workers{state=\"draining\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "\nhone_workers{state=\"active\"} 0\n"));
    api_expect(&f, 200, "POST", "/v1/leases", "{\"worker\": \"gpu07:1\"}");
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "\"reason\":\"drained\""));
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "gpu07 is draining"));
    api_expect(&f, 200, "POST", "/v1/workers/gpu07:1/resume", NULL);
    expect_worker(&f, "\"state\":\"active\"");
    api_expect(&f, 200, "GET", "/v1/events?follow=false", NULL);
    ck_assert_ptr_nonnull(strstr(
        buf_text(&f.last.body), "\"kind\":\"worker-draining\",\"study\":null,\"trial\":null,"
                                "\"attempt\":null,\"worker\":\"gpu07\",\"detail\":\"by request\""));
    api_fixture_stop(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_workers");
    TCase *tcase = tcase_create("workers");

    json_start();
    tcase_add_test(tcase, workers_are_listed_with_what_they_hold);
    tcase_add_test(tcase, workers_are_listed_by_name);
    tcase_add_test(tcase, a_worker_that_asks_no_more_is_gone);
    tcase_add_test(tcase, a_worker_is_drained_and_resumed);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

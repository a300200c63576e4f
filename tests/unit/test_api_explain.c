/* GET …/explain over HTTP: where each kind of trial came from. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/clock_ahead.h"
#include "tests/support/run_suite.h"
#include "tests/unit/api_fixture.h"

static void start(struct api_fixture *f, const char *strategy)
{
    char body[700];

    (void)snprintf(
        body, sizeof body,
        "{\"name\": \"t\", \"metric\": \"loss\", \"direction\": \"minimize\", \"seed\": 3, "
        "\"strategy\": %s, \"parameters\": [{\"name\": \"a\", \"type\": \"float\", "
        "\"low\": 0, \"high\": 1, \"grid\": 9}, {\"name\": \"b\", \"type\": "
        "\"categorical\", \"choices\": [\"p\", \"q\", \"r\"]}]}",
        strategy);
    api_fixture_start(f);
    api_expect(f, 201, "POST", "/v1/studies", body);
}

static json_t *explain(struct api_fixture *f, int64_t trial)
{
    char path[100];

    (void)snprintf(path, sizeof path, "/v1/studies/t/trials/%lld/explain", (long long)trial);
    api_expect(f, 200, "GET", path, NULL);
    return api_json(f);
}

static void expect_kind(struct api_fixture *f, int64_t trial, const char *kind, const char *text)
{
    json_auto_t *answer = explain(f, trial);
    const char *said = json_string_value(json_at(answer, "provenance.text"));

    ck_assert_str_eq(json_string_value(json_at(answer, "provenance.kind")), kind);
    ck_assert_msg(strstr(said, text) != NULL, "\"%s\" is not in: %s", text, said);
}

static struct clock_ahead ahead;

/* Asks until the text has this: what is shown of workers may be 100 ms old. */
static void wait_for_text(struct api_fixture *f, const char *text)
{
    do {
        api_expect(f, 200, "GET", "/v1/studies/t/trials/1/explain?format=text", NULL);
    } while (strstr(buf_text(&f->last.body), text) == NULL);
}

START_TEST(silence_of_a_running_trial_is_told)
{
    struct api_fixture f;
    char path[160];

    clock_ahead_init(&ahead);
    api_fixture_start_at(&f, &ahead.clock);
    api_expect(&f, 201, "POST", "/v1/studies",
               "{\"name\": \"t\", \"metric\": \"loss\", \"direction\": \"minimize\", \"strategy\": "
               "\"random\", \"parameters\": [{\"name\": \"a\", \"type\": \"float\", \"low\": 0, "
               "\"high\": 1}]}");
    api_expect(&f, 201, "POST", "/v1/leases", "{\"worker\": \"gpu07:0\"}");
    json_auto_t *grant = api_json(&f);
    const char *lease = json_string_value(json_at(grant, "lease.id"));
    wait_for_text(&f, "attempt 1 runs on gpu07:0: no report yet, for 0:00, last heartbeat 0:0");
    ahead.by_ms += 40000;
    (void)snprintf(path, sizeof path, "/v1/leases/%s", lease);
    api_expect(&f, 200, "PUT", path, "{}");
    wait_for_text(&f, "runs on gpu07:0: no report yet, for 0:4");
    wait_for_text(&f, "last heartbeat 0:0");
    (void)snprintf(path, sizeof path, "/v1/leases/%s/measurements", lease);
    api_expect(&f, 200, "POST", path,
               "{\"measurements\": [{\"step\": 3, \"metrics\": {\"loss\": 1}}]}");
    wait_for_text(&f, "runs on gpu07:0, at step 3: last report 0:0");
    ahead.by_ms += 35000;
    wait_for_text(&f, "runs on gpu07:0, at step 3: no report for 0:3");
    json_auto_t *answer = explain(&f, 1);
    ck_assert_int_eq(json_integer_value(json_at(answer, "running.attempt")), 1);
    ck_assert_double_ge(json_number_value(json_at(answer, "running.silent_seconds")), 35);
    (void)snprintf(path, sizeof path, "/v1/leases/%s/result", lease);
    api_expect(&f, 200, "PUT", path, "{\"outcome\": \"completed\"}");
    json_auto_t *ended = explain(&f, 1);
    ck_assert(json_is_null(json_at(ended, "running")));
    api_fixture_stop(&f);
}
END_TEST

static const struct {
    const char *strategy, *kind, *text;
} plain[] = {
    {"\"random\"", "random", "number 2 of the stream"},
    {"\"grid\"", "grid", "point 2 of the grid"},
    {"\"quasirandom\"", "quasirandom", "point 2 of a sequence"},
    {"\"bayesian\"", "initial_design", "point 2 of the"},
    {"\"tpe\"", "initial_design", "point 2 of the 10 that tpe begins with"},
};

START_TEST(the_first_trials_say_what_made_them)
{
    struct api_fixture f;

    start(&f, plain[_i].strategy);
    for (int i = 0; i < 2; i++) {
        (void)api_finish_trial(&f, "t", 1.0, (double)NAN);
    }
    expect_kind(&f, 2, plain[_i].kind, plain[_i].text);
    api_fixture_stop(&f);
}
END_TEST

START_TEST(trial_without_a_suggestion_is_explained)
{
    struct api_fixture f;

    start(&f, "\"bayesian\"");
    api_expect(&f, 201, "POST", "/v1/studies/t/trials",
               "[{\"parameters\": {\"a\": 0.5, \"b\": \"p\"}}, {\"state\": \"completed\", "
               "\"parameters\": {\"a\": 0.25, \"b\": \"q\"}, \"metrics\": {\"loss\": 2}}]");
    expect_kind(&f, 1, "enqueued", "no strategy chose it");
    expect_kind(&f, 2, "imported", "imported");
    json_auto_t *answer = explain(&f, 2);
    ck_assert(json_is_null(json_at(answer, "suggestion")));
    ck_assert(json_is_null(json_at(answer, "ordinal")));
    api_expect(&f, 404, "GET", "/v1/studies/t/trials/3/explain", NULL);
    api_fixture_stop(&f);
}
END_TEST

/* The n-th trial, with another one running. */
static json_t *after(struct api_fixture *f, int n)
{
    for (int i = 1; i < n - 1; i++) {
        (void)api_finish_trial(f, "t", (double)((i * 7) % 11), (double)NAN);
    }
    api_expect(f, 201, "POST", "/v1/studies/t/leases", "{}");
    api_expect(f, 201, "POST", "/v1/studies/t/leases", "{}");
    return explain(f, n);
}

static void expect_comparison(const json_t *answer, int n)
{
    ck_assert_str_eq(json_string_value(json_at(answer, "provenance.kind")), "model");
    ck_assert_int_eq(json_integer_value(json_at(answer, "suggestion.results")), n - 2);
    ck_assert_int_eq(json_integer_value(json_at(answer, "suggestion.pending")), 1);
    ck_assert_int_eq(json_integer_value(json_at(answer, "suggestion.pending_trials.0")), n - 1);
    ck_assert_int_eq(json_integer_value(json_at(answer, "suggestion.incumbent_trial")), 11);
    ck_assert_double_eq(json_number_value(json_at(answer, "suggestion.incumbent")), 0.0);
    ck_assert_int_gt(json_integer_value(json_at(answer, "suggestion.compared.candidates")), 10);
    double chosen = json_number_value(json_at(answer, "suggestion.acquisition_value"));
    for (int i = 0; i < 3; i++) {
        char path[80];
        (void)snprintf(path, sizeof path, "suggestion.compared.others.%d.acquisition_value", i);
        double other = json_number_value(json_at(answer, path));
        ck_assert_double_le(other, chosen);
        chosen = other;
        (void)snprintf(path, sizeof path, "suggestion.compared.others.%d.parameters.b", i);
        ck_assert(json_is_string(json_at(answer, path)));
    }
}

START_TEST(a_process_tells_what_it_expected)
{
    struct api_fixture f;

    start(&f, "{\"name\": \"bayesian\", \"serving\": \"exact\"}");
    json_auto_t *answer = after(&f, 16);
    expect_comparison(answer, 16);
    ck_assert_str_eq(json_string_value(json_at(answer, "suggestion.model")), "gaussian_process");
    ck_assert(json_is_number(json_at(answer, "suggestion.predicted.mean")));
    ck_assert_double_gt(json_number_value(json_at(answer, "suggestion.predicted.sd")), 0.0);
    ck_assert(json_is_number(json_at(answer, "suggestion.improve_on")));
    ck_assert(json_is_number(json_at(answer, "suggestion.length_scales.b")));
    double share = json_number_value(json_at(answer, "suggestion.additive_share"));
    ck_assert(share >= 0.0 && share < 1.0);
    ck_assert_ptr_nonnull(strstr(json_string_value(json_at(answer, "provenance.text")),
                                 "on 14 results and 1 running trials expected "));
    api_fixture_stop(&f);
}
END_TEST

START_TEST(densities_tell_what_they_were_made_from)
{
    struct api_fixture f;

    start(&f, "{\"name\": \"tpe\", \"serving\": \"exact\"}");
    json_auto_t *answer = after(&f, 24);
    expect_comparison(answer, 24);
    ck_assert_int_eq(json_integer_value(json_at(answer, "suggestion.good")), 3);
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_at(answer, "provenance.text")), "the best 3 of 22 results"));
    api_fixture_stop(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_explain");
    TCase *tcase = tcase_create("explain");

    json_start();
    tcase_add_test(tcase, silence_of_a_running_trial_is_told);
    tcase_add_loop_test(tcase, the_first_trials_say_what_made_them, 0,
                        (int)(sizeof plain / sizeof plain[0]));
    tcase_add_test(tcase, trial_without_a_suggestion_is_explained);
    tcase_add_test(tcase, a_process_tells_what_it_expected);
    tcase_add_test(tcase, densities_tell_what_they_were_made_from);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

/* GET …/importance over HTTP: what is compared, at which level, and what is said of it. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/own.h"
#include "tests/support/run_suite.h"
#include "tests/unit/api_fixture.h"

#define PARAMETERS                                                                                 \
    "\"parameters\": [{\"name\": \"a\", \"type\": \"float\", \"low\": 0, \"high\": 1}, "           \
    "{\"name\": "                                                                                  \
    "\"b\", \"type\": \"float\", \"low\": 0, \"high\": 1}, {\"name\": \"c\", \"type\": "           \
    "\"constant\", \"value\": 3}], \"strategy\": \"random\""

static const char one[] =
    "{\"name\": \"t\", \"metric\": \"loss\", \"direction\": \"minimize\", " PARAMETERS "}";
static const char two[] = "{\"name\": \"t\", \"objectives\": [{\"metric\": \"loss\", "
                          "\"direction\": \"minimize\"}, {\"metric\": "
                          "\"speed\", \"direction\": \"maximize\"}], " PARAMETERS "}";
static const char rungs[] =
    "{\"name\": \"t\", \"metric\": \"loss\", \"direction\": \"minimize\", \"resource\": {\"name\": "
    "\"epochs\", \"min\": 1, \"max\": 9}, " PARAMETERS "}";

/* Two coordinates that fill the square evenly. */
static double place(int i, int k)
{
    return fmod(0.5 + i * (k == 0 ? 0.7548776662466927 : 0.5698402909980532), 1.0);
}

/* Imports n finished trials: loss depends on a, speed on b, and loss at step 1 on b. */
static void import(struct api_fixture *f, int n, bool has_curve)
{
    OWN(buf) struct buf body;

    buf_init(&body, 1 << 20);
    for (int i = 0; i < n; i++) {
        double a = place(i, 0);
        double b = place(i, 1);
        buf_printf(&body,
                   "%s{\"state\": \"completed\", \"parameters\": {\"a\": %.17g, \"b\": %.17g, "
                   "\"c\": 3}, \"metrics\": {\"loss\": %.17g, \"speed\": %.17g, \"heat\": %.17g}",
                   i == 0 ? "[" : ", ", a, b, fabs(a - 0.3), b, b);
        if (has_curve) {
            buf_printf(&body,
                       ", \"measurements\": [{\"step\": 1, \"metrics\": {\"loss\": %.17g}}, "
                       "{\"step\": 9, \"metrics\": {\"loss\": %.17g}}]",
                       fabs(b - 0.6), fabs(a - 0.3));
        }
        buf_putc(&body, '}');
    }
    buf_putc(&body, ']');
    api_expect(f, 201, "POST", "/v1/studies/t/trials", buf_text(&body));
}

static void start(struct api_fixture *f, const char *study, int n, bool has_curve)
{
    api_fixture_start(f);
    api_expect(f, 201, "POST", "/v1/studies", study);
    if (n > 0) {
        import(f, n, has_curve);
    }
}

static json_t *ask(struct api_fixture *f, const char *query)
{
    char path[200];

    (void)snprintf(path, sizeof path, "/v1/studies/t/importance%s", query);
    api_expect(f, 200, "GET", path, NULL);
    return api_json(f);
}

static void expect_first(const json_t *answer, const char *name)
{
    ck_assert_str_eq(json_string_value(json_at(answer, "parameters.0.name")), name);
    ck_assert_double_gt(json_number_value(json_at(answer, "parameters.0.share")), 0.7);
}

START_TEST(shares_come_with_what_they_are_made_from)
{
    struct api_fixture f;

    start(&f, one, 80, false);
    json_auto_t *answer = ask(&f, "");
    expect_first(answer, "a");
    ck_assert_str_eq(json_string_value(json_at(answer, "method")), "ped_anova");
    ck_assert_str_eq(json_string_value(json_at(answer, "metric")), "loss");
    ck_assert(json_is_null(json_at(answer, "resource")));
    ck_assert(json_is_null(json_at(answer, "warning")));
    ck_assert_int_eq(json_integer_value(json_at(answer, "trials")), 80);
    ck_assert_int_eq(json_integer_value(json_at(answer, "top.trials")), 8);
    ck_assert_double_lt(json_number_value(json_at(answer, "top.cutoff")), 0.06);
    ck_assert_str_eq(json_string_value(json_at(answer, "parameters.2.name")), "c");
    ck_assert_double_eq(json_number_value(json_at(answer, "parameters.2.share")), 0.0);
    api_fixture_stop(&f);
}
END_TEST

START_TEST(few_or_no_trials_are_warned_of)
{
    struct api_fixture f;

    start(&f, one, 0, false);
    json_auto_t *none = ask(&f, "");
    ck_assert(json_is_string(json_at(none, "warning")));
    ck_assert(json_is_null(json_at(none, "top.cutoff")));
    ck_assert_double_eq(json_number_value(json_at(none, "parameters.0.share")), 0.0);
    import(&f, 20, false);
    json_auto_t *few = ask(&f, "");
    ck_assert_ptr_nonnull(strstr(json_string_value(json_at(few, "warning")), "20 trials"));
    api_expect(&f, 200, "GET", "/v1/studies/t/importance?format=table", NULL);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "\nwarning: made from 20 trials"));
    api_fixture_stop(&f);
}
END_TEST

START_TEST(every_metric_may_be_asked_for)
{
    struct api_fixture f;

    start(&f, one, 60, false);
    json_auto_t *heat = ask(&f, "?metric=heat&direction=minimize");
    expect_first(heat, "b");
    api_expect(&f, 400, "GET", "/v1/studies/t/importance?metric=heat", NULL);
    api_expect(&f, 400, "GET", "/v1/studies/t/importance?metric=heat&direction=up", NULL);
    api_expect(&f, 400, "GET", "/v1/studies/t/importance?metric=unknown&direction=minimize", NULL);
    api_expect(&f, 400, "GET", "/v1/studies/t/importance?metrics=loss", NULL);
    api_expect(&f, 400, "GET", "/v1/studies/t/importance?format=sh", NULL);
    api_expect(&f, 404, "GET", "/v1/studies/u/importance", NULL);
    api_fixture_stop(&f);
}
END_TEST

START_TEST(of_several_objectives_one_is_named)
{
    struct api_fixture f;

    start(&f, two, 60, false);
    api_expect(&f, 409, "GET", "/v1/studies/t/importance", NULL);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "?metric=loss"));
    json_auto_t *loss = ask(&f, "?metric=loss");
    expect_first(loss, "a");
    json_auto_t *speed = ask(&f, "?metric=speed");
    expect_first(speed, "b");
    ck_assert_str_eq(json_string_value(json_at(speed, "direction")), "maximize");
    ck_assert_double_gt(json_number_value(json_at(speed, "top.cutoff")), 0.8);
    api_fixture_stop(&f);
}
END_TEST

START_TEST(sheets_hold_the_same)
{
    struct api_fixture f;

    start(&f, one, 60, false);
    api_expect(&f, 200, "GET", "/v1/studies/t/importance?format=csv", NULL);
    ck_assert_int_eq(strncmp(buf_text(&f.last.body), "name,share,trials,top\na,0.", 26), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "\nc,0,0,0\n"));
    api_expect(&f, 200, "GET", "/v1/studies/t/importance?format=text", NULL);
    ck_assert_int_eq(strncmp(buf_text(&f.last.body), "a\t0.", 4), 0);
    api_fixture_stop(&f);
}
END_TEST

/* Runs a trial up to `steps` and ends it there: pruned by the threshold where that is 1. */
static void run_trial(struct api_fixture *f, int i, int steps)
{
    char path[200];
    char body[400];

    (void)snprintf(body, sizeof body, "{\"parameters\": {\"a\": %.17g, \"b\": %.17g, \"c\": 3}}",
                   place(i, 0), place(i, 1));
    api_expect(f, 201, "POST", "/v1/studies/t/trials", body);
    api_expect(f, 201, "POST", "/v1/studies/t/leases", "{}");
    json_auto_t *grant = api_json(f);
    const char *lease = json_string_value(json_at(grant, "lease.id"));
    (void)snprintf(path, sizeof path, "/v1/leases/%s/measurements", lease);
    (void)snprintf(body, sizeof body,
                   "{\"measurements\": [{\"step\": 1, \"metrics\": {\"loss\": %.17g}}]}",
                   fabs(place(i, 1) - 0.6) + (steps > 1 ? 0.0 : 5.0));
    api_expect(f, 200, "POST", path, body);
    if (steps > 1) {
        (void)snprintf(body, sizeof body,
                       "{\"measurements\": [{\"step\": 9, \"metrics\": {\"loss\": %.17g}}]}",
                       fabs(place(i, 0) - 0.3));
        api_expect(f, 200, "POST", path, body);
    }
    (void)snprintf(path, sizeof path, "/v1/leases/%s/result", lease);
    api_expect(f, 200, "PUT", path, "{\"outcome\": \"completed\"}");
}

START_TEST(trials_are_compared_at_one_level)
{
    static const char stopped[] =
        "{\"name\": \"t\", \"metric\": \"loss\", \"direction\": \"minimize\", \"resource\": "
        "{\"name\": \"epochs\", \"min\": 1, \"max\": 9}, \"stopping\": {\"rule\": \"threshold\", "
        "\"step\": 1, \"value\": 4}, " PARAMETERS "}";
    struct api_fixture f;

    start(&f, rungs, 60, true);
    json_auto_t *whole = ask(&f, "");
    ck_assert_int_eq(json_integer_value(json_at(whole, "resource")), 9);
    expect_first(whole, "a");
    api_fixture_stop(&f);

    start(&f, stopped, 0, false);
    for (int i = 0; i < 12; i++) { /* two thirds are stopped after one epoch */
        run_trial(&f, i, i % 3 == 0 ? 9 : 1);
    }
    json_auto_t *early = ask(&f, "");
    ck_assert_int_eq(json_integer_value(json_at(early, "resource")), 1);
    ck_assert_int_eq(json_integer_value(json_at(early, "trials")), 12);
    ck_assert_double_lt(json_number_value(json_at(early, "top.cutoff")), 0.7);
    api_fixture_stop(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_importance");
    TCase *tcase = tcase_create("importance");

    json_start();
    tcase_add_test(tcase, shares_come_with_what_they_are_made_from);
    tcase_add_test(tcase, few_or_no_trials_are_warned_of);
    tcase_add_test(tcase, every_metric_may_be_asked_for);
    tcase_add_test(tcase, of_several_objectives_one_is_named);
    tcase_add_test(tcase, sheets_hold_the_same);
    tcase_add_test(tcase, trials_are_compared_at_one_level);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

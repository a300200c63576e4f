#include <check.h>
#include <math.h>

#include "tests/support/run_suite.h"
#include "tests/support/schedule_fixture.h"

#define MEDIAN(after)                                                                              \
    "\"strategy\": \"random\", \"stopping\": {\"rule\": \"median\", \"after\": " #after            \
    ", \"warmup\": 1}, \"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 3}"

static int64_t train(struct fixture *f, const double values[3])
{
    int64_t trial = fixture_ask(f, NULL);

    for (int64_t step = 1; step <= 3; step++) {
        (void)fixture_measure(f, trial, step, values[step - 1]);
    }
    (void)fixture_finish(f, trial, 3);
    return trial;
}

/* algorithms.md §7: running means at t = 2 of three trials have the median .8: best so far .81
 * stops, .8 goes on. */
START_TEST(median_of_running_means_decides)
{
    static const double curves[3][3] = {{.9, .7, .5}, {.8, .75, .7}, {1, .6, .4}};
    struct fixture f = fixture_open(MEDIAN(3));

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(fixture_verdict(&f, train(&f, curves[i])), VERDICT_COMPLETE);
    }
    int64_t worse = fixture_ask(&f, NULL);
    int64_t equal = fixture_ask(&f, NULL);
    ck_assert_int_eq(fixture_measure(&f, worse, 1, 5), VERDICT_RUN); /* warm-up */
    ck_assert_int_eq(fixture_measure(&f, worse, 2, .81), VERDICT_PRUNE);
    ck_assert_int_eq(fixture_measure(&f, equal, 1, .8), VERDICT_RUN);
    ck_assert_int_eq(fixture_measure(&f, equal, 2, .9), VERDICT_RUN);
    ck_assert_int_eq(fixture_finish(&f, worse, 2), VERDICT_PRUNE);
    ck_assert_double_eq_tol(f.log.items[f.log.n - 1].value, .8, 1e-12);
    fixture_close(&f);
}
END_TEST

/* Seconds of a clock, no two of which are the same: they are compared within one step of the study,
 * where of a trial's values the first counts. */
START_TEST(median_compares_within_a_step_of_the_study)
{
    struct fixture f = fixture_open(
        "\"strategy\": \"random\", \"stopping\": {\"rule\": \"median\", \"after\": 2, "
        "\"warmup\": 10}, \"resource\": {\"name\": \"seconds\", \"min\": 10, \"max\": 60, "
        "\"step\": 10, \"unit\": 0.001}");

    for (int64_t shift = 0; shift < 2000; shift += 1000) {
        int64_t trial = fixture_ask(&f, NULL);
        (void)fixture_measure(&f, trial, 11234 + shift, .5);
        (void)fixture_measure(&f, trial, 17234 + shift, .1); /* a second one within the step */
        (void)fixture_measure(&f, trial, 60000, .1);
        ck_assert_int_eq(fixture_finish(&f, trial, 60000), VERDICT_COMPLETE);
    }
    int64_t trial = fixture_ask(&f, NULL);
    ck_assert_int_eq(fixture_measure(&f, trial, 10000, 9), VERDICT_RUN); /* warm-up */
    ck_assert_int_eq(fixture_measure(&f, trial, 14999, .5), VERDICT_RUN);
    ck_assert_int_eq(fixture_measure(&f, trial, 24999, .5), VERDICT_RUN); /* none is known there */
    trial = fixture_ask(&f, NULL);
    ck_assert_int_eq(fixture_measure(&f, trial, 20000, .51), VERDICT_PRUNE);
    fixture_close(&f);
}
END_TEST

START_TEST(median_needs_enough_completed_trials)
{
    static const double curve[3] = {.1, .1, .1};
    struct fixture f = fixture_open(MEDIAN(2));

    (void)train(&f, curve);
    int64_t trial = fixture_ask(&f, NULL);
    ck_assert_int_eq(fixture_measure(&f, trial, 2, 9), VERDICT_RUN);
    (void)train(&f, curve);
    trial = fixture_ask(&f, NULL);
    ck_assert_int_eq(fixture_measure(&f, trial, 2, 9), VERDICT_PRUNE);
    trial = fixture_ask(&f, NULL);
    ck_assert_int_eq(fixture_measure(&f, trial, 2, (double)NAN), VERDICT_PRUNE);
    trial = fixture_ask(&f, NULL);
    ck_assert_int_eq(fixture_measure(&f, trial, 3, 9), VERDICT_COMPLETE); /* nothing to save */
    fixture_close(&f);
}
END_TEST

START_TEST(median_is_rebuilt_from_facts_and_curves)
{
    static const double curves[3][3] = {{.9, .7, .5}, {.8, .75, .7}, {1, .6, .4}};
    struct fixture f = fixture_open(MEDIAN(3));
    struct fixture twin = fixture_open(MEDIAN(3));
    struct err err = {0};

    for (int i = 0; i < 3; i++) {
        (void)train(&f, curves[i]);
    }
    int64_t trial = fixture_ask(&f, NULL);
    (void)fixture_measure(&f, trial, 1, .82);
    for (size_t i = 0; i < f.log.n; i++) {
        ck_assert_int_eq(schedule_load(twin.schedule, &f.log.items[i], &err), 0);
    }
    ck_assert(schedule_wants_curves(twin.schedule));
    for (int64_t i = 0; i < 3; i++) {
        for (int64_t step = 1; step <= 3; step++) {
            ck_assert_int_eq(
                schedule_recall(twin.schedule, i + 1, 0, step, curves[i][step - 1], &err), 0);
        }
    }
    ck_assert_int_eq(schedule_recall(twin.schedule, trial, 0, 1, .82, &err), 0);
    ck_assert_int_eq(fixture_measure(&twin, trial, 2, .81), VERDICT_PRUNE);
    ck_assert_int_eq(fixture_measure(&f, trial, 2, .81), VERDICT_PRUNE);
    fixture_close(&f);
    fixture_close(&twin);
}
END_TEST

START_TEST(threshold_looks_once)
{
    struct fixture f = fixture_open(
        "\"strategy\": \"random\", \"objectives\": [{\"metric\": \"acc\", \"direction\": "
        "\"maximize\"}], \"stopping\": {\"rule\": \"threshold\", \"step\": 5, \"value\": 0.5}");

    int64_t bad = fixture_ask(&f, NULL);
    int64_t good = fixture_ask(&f, NULL);
    int64_t nan = fixture_ask(&f, NULL);
    ck_assert_int_eq(fixture_measure(&f, bad, 4, .1), VERDICT_RUN);
    ck_assert_int_eq(fixture_measure(&f, bad, 6, .4), VERDICT_PRUNE);
    ck_assert_int_eq(fixture_measure(&f, good, 5, .5), VERDICT_RUN);
    ck_assert_int_eq(fixture_measure(&f, good, 6, .1), VERDICT_RUN);
    ck_assert_int_eq(fixture_measure(&f, nan, 5, (double)NAN), VERDICT_PRUNE);
    ck_assert_int_eq(fixture_finish(&f, good, 6), VERDICT_COMPLETE);
    fixture_close(&f);
}
END_TEST

START_TEST(stopped_trial_gives_up_its_slot)
{
    struct fixture f = fixture_open(
        "\"strategy\": \"hyperband\", \"stopping\": {\"rule\": \"threshold\", \"step\": 1, "
        "\"value\": 0.5}, \"resource\": {\"name\": \"epochs\", \"min\": 3, \"max\": 9}");

    for (int64_t trial = 1; trial <= 3; trial++) {
        (void)fixture_ask(&f, NULL);
    }
    ck_assert_int_eq(fixture_measure(&f, 1, 1, .9), VERDICT_PRUNE);
    ck_assert_int_eq(fixture_measure(&f, 2, 1, .4), VERDICT_RUN);
    (void)fixture_measure(&f, 2, 3, .4);
    ck_assert_int_eq(fixture_measure(&f, 3, 3, .3), VERDICT_RUN); /* the rung is full */
    fixture_close(&f);
}
END_TEST

START_TEST(plain_study_keeps_no_facts)
{
    struct fixture f = fixture_open(
        "\"strategy\": \"random\", \"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 9}");
    int64_t until = 0;

    int64_t trial = fixture_ask(&f, &until);
    ck_assert_int_eq(until, 9);
    ck_assert(!schedule_has_facts(f.schedule));
    ck_assert_int_eq(fixture_measure(&f, trial, 8, 1), VERDICT_RUN);
    ck_assert_int_eq(fixture_measure(&f, trial, 9, 1), VERDICT_COMPLETE);
    ck_assert_int_eq(fixture_finish(&f, trial, 9), VERDICT_COMPLETE);
    ck_assert_uint_eq(f.log.n, 0);
    fixture_close(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stopping");
    TCase *tcase = tcase_create("stopping");

    tcase_add_test(tcase, median_of_running_means_decides);
    tcase_add_test(tcase, median_needs_enough_completed_trials);
    tcase_add_test(tcase, median_compares_within_a_step_of_the_study);
    tcase_add_test(tcase, median_is_rebuilt_from_facts_and_curves);
    tcase_add_test(tcase, threshold_looks_once);
    tcase_add_test(tcase, stopped_trial_gives_up_its_slot);
    tcase_add_test(tcase, plain_study_keeps_no_facts);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

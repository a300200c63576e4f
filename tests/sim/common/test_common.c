/* The parts of the simulators: what their headers promise, and every seed relies on. */
#include <check.h>
#include <math.h>

#include "tests/sim/common/curves.h"
#include "tests/sim/common/events.h"
#include "tests/sim/common/network.h"
#include "tests/sim/common/worker.h"
#include "tests/support/run_suite.h"

START_TEST(events_come_by_time_and_then_as_added)
{
    struct clock_manual clock;
    struct events events;
    struct rng rng = rng_seeded(1);
    struct event last = {.at_ms = -1};

    clock_manual_init(&clock, 0, 0);
    events_init(&events, &clock);
    ck_assert_ptr_null(events_next(&events));
    for (int64_t i = 0; i < 2000; i++) {
        events_add(&events, chance_between(&rng, 0, 50), (struct event){.trial = i});
    }
    while (events_next(&events) != NULL) {
        int64_t next_ms = events_next(&events)->at_ms;
        struct event event = events_take(&events);
        ck_assert_int_eq(event.at_ms, next_ms);
        ck_assert_int_ge(event.at_ms, last.at_ms);
        ck_assert(event.at_ms > last.at_ms || event.trial > last.trial);
        if (event.trial % 3 == 0 && event.trial < 2000) { /* while it is emptied, too */
            clock.now_ms = event.at_ms;
            events_add(&events, 1, (struct event){.trial = event.trial + 2000});
        }
        last = event;
    }
    events_finish(&events);
}
END_TEST

START_TEST(faults_without_a_chance_draw_nothing)
{
    const struct network network = {.usual_ms = {5, 5}};
    const struct worker_faults faults = {.down_ms = {7, 7}};
    const struct worker worker = {.ms_per_step = {10, 10}};
    struct rng rng = rng_seeded(1);
    const struct rng before = rng;
    int64_t after_ms = -1;

    ck_assert(!network_loses(&network, &rng));
    ck_assert(!network_repeats(&network, &rng));
    ck_assert(!network_repeats_late(&network, &rng, &after_ms));
    ck_assert_int_eq(after_ms, -1);
    ck_assert_int_eq(network_latency_ms(&network, &rng), 5);
    ck_assert(!worker_crashes(&faults, &rng));
    ck_assert_int_eq(worker_silence_ms(&faults, &rng), 0);
    ck_assert_int_eq(worker_down_ms(&faults, &rng), 7);
    ck_assert_int_eq(worker_training_ms(&worker, 3, &rng), 30);
    ck_assert_mem_eq(&rng, &before, sizeof rng);
}
END_TEST

START_TEST(chances_are_out_of_1000)
{
    struct rng rng = rng_seeded(2);
    int n = 0;

    for (int i = 0; i < 100000; i++) {
        int64_t drawn = chance_between(&rng, -2, 3);
        n += chance_happens(&rng, 250);
        ck_assert(drawn >= -2 && drawn <= 3);
        ck_assert(chance_happens(&rng, 1000));
    }
    ck_assert_int_gt(n, 24500);
    ck_assert_int_lt(n, 25500);
}
END_TEST

START_TEST(a_curve_depends_on_seed_trial_and_step_alone)
{
    const struct curves curves = {.seed = 3};
    const struct curves other = {.seed = 4};

    for (int64_t step = 1; step <= 100; step++) {
        double value = curves_value(&curves, 7, step);
        ck_assert(isfinite(value));
        ck_assert_double_eq(value, curves_value(&curves, 7, step));
        ck_assert_double_ne(value, curves_value(&curves, 8, step));
        ck_assert_double_ne(value, curves_value(&other, 7, step));
    }
    ck_assert_double_lt(curves_value(&curves, 7, 100), curves_value(&curves, 7, 1));
}
END_TEST

START_TEST(a_broken_trial_stays_broken)
{
    const struct curves curves = {.seed = 3, .broken = 1000};

    for (int64_t trial = 1; trial <= 100; trial++) {
        ck_assert(isnan(curves_value(&curves, trial, 9)));
        for (int64_t step = 2; step <= 9; step++) {
            ck_assert(!curves_is_broken(&curves, trial, step - 1)
                      || curves_is_broken(&curves, trial, step));
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("common");
    TCase *tcase = tcase_create("common");

    tcase_add_test(tcase, events_come_by_time_and_then_as_added);
    tcase_add_test(tcase, faults_without_a_chance_draw_nothing);
    tcase_add_test(tcase, chances_are_out_of_1000);
    tcase_add_test(tcase, a_curve_depends_on_seed_trial_and_step_alone);
    tcase_add_test(tcase, a_broken_trial_stays_broken);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

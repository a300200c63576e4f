/* hyperband and asha with several objectives. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "tests/support/run_suite.h"
#include "tests/support/schedule_fixture.h"

#define TWO                                                                                        \
    "\"objectives\": [{\"metric\": \"loss\", \"direction\": \"minimize\"}, "                       \
    "{\"metric\": \"acc\", \"direction\": \"maximize\"}], "
#define UP_TO(max) "\"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": " #max "}"
#define BOUND "\"subject_to\": [\"ms <= 5\"], "

enum { SLOTS = 27, ADVANCE = 9 }; /* of the first rung, and of the second */

static void start(struct fixture *f, int64_t n)
{
    for (int64_t trial = 1; trial <= n; trial++) {
        ck_assert_int_eq(fixture_ask(f, NULL), trial);
    }
}

static bool went_on(const struct fixture *f, int64_t trial)
{
    return fixture_count(f, FACT_PROMOTE, trial) > 0;
}

static bool is_before(const double a[3], const double b[3])
{
    bool no_worse = a[0] <= b[0] && a[1] >= b[1];

    return a[2] < b[2] || (a[2] <= b[2] && a[2] <= 0 && no_worse && (a[0] < b[0] || a[1] > b[1]));
}

/* The front of a trial: how long the longest chain of trials is that dominate one another and it.
 */
static int front_of(double values[SLOTS][3], size_t at)
{
    int front = 0;

    for (size_t i = 0; i < SLOTS; i++) {
        if (is_before(values[i], values[at])) {
            int above = front_of(values, i);
            front = above + 1 > front ? above + 1 : front;
        }
    }
    return front;
}

/* In whatever order values come, exactly as many go on as the next rung has places, none of a later
 * front than one that is out; and some are out before all have reported. */
START_TEST(hyperband_lets_the_first_fronts_go_on)
{
    struct fixture f = fixture_open(
        TWO BOUND "\"strategy\": {\"name\": \"hyperband\", \"brackets\": 1}, " UP_TO(27));
    struct rng rng = rng_for(11, (uint64_t)_i);
    double values[SLOTS][3];
    int64_t order[SLOTS];
    int worst_in = 0;
    int best_out = INT32_MAX;
    int n_early = 0;
    int n_in = 0;

    start(&f, SLOTS);
    for (size_t i = 0; i < SLOTS; i++) {
        values[i][0] = floor(8 * rng_uniform(&rng));
        values[i][1] = floor(8 * rng_uniform(&rng));
        values[i][2] = fmax(0, floor(8 * rng_uniform(&rng)) - 5);
        order[i] = (int64_t)i + 1;
        size_t j = (size_t)rng_below(&rng, i + 1);
        order[i] = order[j];
        order[j] = (int64_t)i + 1;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        const double *v = values[order[i] - 1];
        schedule_note_violation(f.schedule, order[i], v[2]);
        (void)fixture_measure_two(&f, order[i], 1, v[0], v[1]);
        n_early += i + 1 < SLOTS && fixture_count(&f, FACT_LOSE, order[i]) > 0;
    }
    for (int64_t trial = 1; trial <= SLOTS; trial++) { /* each that waits is taken */
        (void)fixture_finish(&f, trial, 1);
    }
    f.moment.may_start = false;
    while (fixture_ask(&f, NULL) != 0) {
    }
    for (size_t i = 0; i < SLOTS; i++) {
        int front = front_of(values, i);
        bool is_in = went_on(&f, (int64_t)i + 1);
        n_in += is_in;
        worst_in = is_in && front > worst_in ? front : worst_in;
        best_out = !is_in && front < best_out ? front : best_out;
        ck_assert(is_in || fixture_verdict(&f, (int64_t)i + 1) == VERDICT_PRUNE);
    }
    ck_assert_int_eq(n_in, ADVANCE);
    ck_assert_int_le(worst_in, best_out);
    ck_assert_int_gt(n_early, 0);
    fixture_close(&f);
}
END_TEST

/* By front and then by room, as in test_cost_table.c; acc is maximised. */
START_TEST(within_a_front_the_one_with_more_room_goes_on)
{
    static const double values[][2] = {{1, -6},  {10, -10}, {10, 0},   {3, -4},  {9, -2},
                                       {0, -10}, {20, -20}, {20, -20}, {20, -20}};
    struct fixture f =
        fixture_open(TWO "\"strategy\": {\"name\": \"hyperband\", \"brackets\": 1}, " UP_TO(9));

    start(&f, 9);
    for (int64_t trial = 1; trial <= 9; trial++) {
        (void)fixture_measure_two(&f, trial, 1, values[trial - 1][0], values[trial - 1][1]);
        (void)fixture_finish(&f, trial, 1);
    }
    f.moment.may_start = false;
    ck_assert_int_eq(fixture_ask(&f, NULL), 3);
    ck_assert_int_eq(fixture_ask(&f, NULL), 6);
    ck_assert_int_eq(fixture_ask(&f, NULL), 4);
    ck_assert_int_eq(fixture_ask(&f, NULL), 0);
    ck_assert_int_eq(fixture_verdict(&f, 5), VERDICT_PRUNE);
    fixture_close(&f);
}
END_TEST

START_TEST(asha_stops_what_is_not_among_the_best)
{
    struct fixture f =
        fixture_open(TWO "\"strategy\": {\"name\": \"asha\", \"mode\": \"stopping\"}, " UP_TO(9));

    start(&f, 4);
    ck_assert_int_eq(fixture_measure_two(&f, 1, 1, .5, .5), VERDICT_RUN);
    ck_assert_int_eq(fixture_measure_two(&f, 2, 1, .6, .4), VERDICT_PRUNE); /* dominated */
    ck_assert_int_eq(fixture_measure_two(&f, 3, 1, .4, .6), VERDICT_RUN);   /* dominates */
    ck_assert_int_eq(fixture_measure_two(&f, 4, 1, .4, .6),
                     VERDICT_PRUNE); /* the newest of equals */
    fixture_close(&f);
}
END_TEST

/* A step counts once both are known at it, in whatever order they come. */
START_TEST(a_step_counts_once_it_is_whole)
{
    struct fixture f = fixture_open(TWO "\"strategy\": {\"name\": \"asha\"}, " UP_TO(9));

    start(&f, 2);
    ck_assert_int_eq(fixture_measure_one(&f, 1, 0, 1, .5), VERDICT_RUN);
    ck_assert(!schedule_is_whole(f.schedule, 1, 1));
    ck_assert_int_eq(fixture_measure_one(&f, 1, 0, 2, .4), VERDICT_RUN);
    ck_assert_int_eq(fixture_measure_one(&f, 1, 1, 3, .9), VERDICT_RUN);
    ck_assert_int_eq(fixture_count(&f, FACT_VALUE, 1), 0);
    ck_assert_int_eq(fixture_measure_one(&f, 1, 1, 1, .6), VERDICT_PAUSE);
    ck_assert(schedule_is_whole(f.schedule, 1, 1));
    ck_assert_double_eq(fixture_value(&f, 1)->value, .5);
    ck_assert_int_eq((int)fixture_value(&f, 1)->step, 1);
    ck_assert_int_eq(fixture_count(&f, FACT_OBJECTIVE, 1), 1);
    /* nothing was whole at the end: no value to rank, as where nothing was measured */
    ck_assert_int_eq(fixture_measure_one(&f, 2, 1, 1, .5), VERDICT_RUN);
    ck_assert_int_eq(fixture_finish(&f, 2, 1), VERDICT_FAIL);
    fixture_close(&f);
}
END_TEST

/* Of a trial that never reports one objective not every step is kept; the newest ones are. */
START_TEST(the_newest_incomplete_steps_are_kept)
{
    struct fixture f = fixture_open(TWO "\"strategy\": {\"name\": \"asha\"}, " UP_TO(9000));

    start(&f, 1);
    for (int64_t step = 1; step <= 1000; step++) {
        ck_assert_int_eq(fixture_measure_one(&f, 1, 0, step, 1), VERDICT_RUN);
    }
    ck_assert_int_eq(fixture_measure_one(&f, 1, 1, 1, 1), VERDICT_RUN);
    ck_assert(!schedule_is_whole(f.schedule, 1, 1));
    ck_assert_int_eq(fixture_measure_one(&f, 1, 1, 900, 1), VERDICT_PAUSE);
    ck_assert(schedule_is_whole(f.schedule, 1, 900));
    fixture_close(&f);
}
END_TEST

/* What is not known to be within the bound is behind what is known to be beyond it. */
START_TEST(what_is_not_known_to_be_feasible_is_last)
{
    struct fixture f = fixture_open(
        TWO BOUND "\"strategy\": {\"name\": \"hyperband\", \"brackets\": 1}, " UP_TO(3));

    start(&f, 3);
    (void)fixture_measure_two(&f, 1, 1, 0, 1);
    schedule_note_violation(f.schedule, 2, 3);
    (void)fixture_measure_two(&f, 2, 1, 1, 0);
    ck_assert_int_eq(fixture_verdict(&f, 1), VERDICT_PRUNE);
    (void)fixture_measure_two(&f, 3, 1, 0, 1);
    ck_assert_int_eq(fixture_verdict(&f, 3), VERDICT_PRUNE);
    (void)fixture_finish(&f, 2, 1);
    ck_assert_int_eq(fixture_ask(&f, NULL), 2);
    fixture_close(&f);
}
END_TEST

/* A value that no decision rests on may be replaced, one objective alone. */
START_TEST(one_objective_of_a_step_is_replaced)
{
    struct fixture f = fixture_open(TWO "\"strategy\": {\"name\": \"asha\"}, \"resource\": "
                                        "{\"name\": \"epochs\", \"min\": 3, \"max\": 9}");
    struct err err = {0};

    start(&f, 1);
    (void)fixture_measure_two(&f, 1, 1, .5, .5);
    (void)fixture_measure_two(&f, 1, 2, .5, .5);
    ck_assert(schedule_may_replace(f.schedule, 1, 2));
    ck_assert_int_eq(schedule_replace(f.schedule, &f.moment, 1, 0, 2, .25, &f.log, &err), 0);
    (void)fixture_finish(&f, 1, 2);
    ck_assert_double_eq(fixture_value(&f, 1)->value, .25);
    fixture_close(&f);
}
END_TEST

static char *view_of(const struct fixture *f)
{
    struct buf text;
    struct json_writer w;

    buf_init(&text, 1 << 20);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    schedule_write_brackets(f->schedule, STUDY_RUNNING, 0, NULL, &w);
    json_object_end(&w);
    return buf_steal(&text);
}

static char *explanation_of(const struct fixture *f, int64_t trial)
{
    struct buf text;
    struct json_writer w;
    struct err err = {0};

    buf_init(&text, 1 << 20);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    ck_assert_int_eq(schedule_write_explanation(f->study, f->log.n, f->log.items, trial, &w, &err),
                     0);
    json_object_end(&w);
    return buf_steal(&text);
}

/* The facts make the same state again, and the view and the explanation have all values. */
START_TEST(facts_have_the_values_of_all_objectives)
{
    static const char members[] =
        TWO BOUND "\"strategy\": {\"name\": \"hyperband\", \"brackets\": 1}, " UP_TO(9);
    struct fixture f = fixture_open(members);
    struct fixture twin = fixture_open(members);
    struct err err = {0};

    start(&f, 9);
    for (int64_t trial = 1; trial <= 7; trial++) {
        schedule_note_violation(f.schedule, trial, (double)(trial % 3));
        (void)fixture_measure_two(&f, trial, 1, (double)(trial * 5 % 7), (double)(trial * 3 % 7));
    }
    for (size_t i = 0; i < f.log.n; i++) {
        ck_assert_int_eq(schedule_load(twin.schedule, &f.log.items[i], &err), 0);
    }
    char *before = view_of(&f);
    char *after = view_of(&twin);
    ck_assert_str_eq(before, after);
    free(after);
    schedule_destroy(twin.schedule);
    ck_assert_int_eq(schedule_create(twin.study, &twin.schedule, &err), 0);
    schedule_load_begin(twin.schedule);
    for (size_t i = 0; i < f.log.n; i++) {
        ck_assert_int_eq(schedule_load(twin.schedule, &f.log.items[i], &err), 0);
    }
    ck_assert_int_eq(schedule_load_end(twin.schedule, &err), 0);
    after = view_of(&twin);
    ck_assert_str_eq(before, after);
    ck_assert_ptr_nonnull(strstr(before, "\"values\":{\"loss\":1,\"acc\":2},\"feasible\":true"));
    char *explanation = explanation_of(&f, 3);
    ck_assert_msg(strstr(explanation, "loss 1, acc 2") != NULL, "%s", explanation);
    free(explanation);
    free(before);
    free(after);
    fixture_close(&f);
    fixture_close(&twin);
}
END_TEST

START_TEST(what_takes_one_objective_is_refused)
{
    char *faults = fixture_faults(
        TWO "\"strategy\": {\"name\": \"asha\", \"mode\": \"predictive\"}, " UP_TO(9));

    ck_assert_ptr_nonnull(strstr(faults, "/strategy/mode"));
    free(faults);
    faults =
        fixture_faults(TWO "\"strategy\": {\"name\": \"asha\", \"progressive\": true}, " UP_TO(9));
    ck_assert_ptr_nonnull(strstr(faults, "/strategy/progressive"));
    free(faults);
    faults = fixture_faults(TWO "\"strategy\": {\"name\": \"asha\"}, " UP_TO(9));
    ck_assert_str_eq(faults, "");
    free(faults);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rung_objectives");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, hyperband_lets_the_first_fronts_go_on, 0, 20);
    tcase_add_test(tcase, within_a_front_the_one_with_more_room_goes_on);
    tcase_add_test(tcase, asha_stops_what_is_not_among_the_best);
    tcase_add_test(tcase, a_step_counts_once_it_is_whole);
    tcase_add_test(tcase, the_newest_incomplete_steps_are_kept);
    tcase_add_test(tcase, what_is_not_known_to_be_feasible_is_last);
    tcase_add_test(tcase, one_objective_of_a_step_is_replaced);
    tcase_add_test(tcase, facts_have_the_values_of_all_objectives);
    tcase_add_test(tcase, what_takes_one_objective_is_refused);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

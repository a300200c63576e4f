#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/run_suite.h"
#include "tests/support/schedule_fixture.h"

#define NINE "\"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 9}"

static struct fixture asha(const char *options)
{
    char members[512];

    (void)snprintf(members, sizeof members, "\"strategy\": {\"name\": \"asha\"%s}, " NINE, options);
    return fixture_open(members);
}

/* algorithms.md §7: arrivals .5 .9 .3 .7 .4 .4 .2 NaN .6 → C S C S S S C S S. */
START_TEST(stopping_decides_on_arrival)
{
    static const double values[] = {.5, .9, .3, .7, .4, .4, .2, (double)NAN, .6};
    static const char expected[] = "CSCSSSCSS";
    struct fixture f = asha(", \"mode\": \"stopping\"");

    for (size_t i = 0; i < 9; i++) {
        int64_t trial = fixture_ask(&f, NULL);
        enum schedule_verdict verdict = fixture_measure(&f, trial, 1, values[i]);
        ck_assert_msg((verdict == VERDICT_RUN) == (expected[i] == 'C'), "arrival %zu", i);
        ck_assert_int_ne(verdict, VERDICT_PAUSE);
    }
    fixture_close(&f);
}
END_TEST

/* A trial is promoted while its job runs; the job's result names another value for the step that
 * decided this. What was decided stands, as no fact would tell it after a restart. */
START_TEST(a_result_changes_no_value_that_decided)
{
    struct fixture f = asha("");

    for (int i = 0; i < 3; i++) {
        (void)fixture_ask(&f, NULL);
    }
    (void)fixture_measure(&f, 1, 1, .5);
    (void)fixture_measure(&f, 2, 1, .6);
    ck_assert_int_eq(fixture_measure(&f, 3, 1, .1), VERDICT_RUN);
    ck_assert_int_eq(fixture_measure(&f, 3, 1, .4), VERDICT_RUN); /* of its result */
    ck_assert_int_eq(fixture_finish(&f, 3, 1), VERDICT_RUN);
    schedule_hold(f.schedule, 3, 3); /* it is leased again */
    (void)fixture_measure(&f, 3, 1, .3);
    (void)fixture_finish(&f, 3, 1); /* it ends by itself, short of the rung */
    ck_assert_int_eq(fixture_count(&f, FACT_SHORT, 3), 1);
    ck_assert_double_eq(fixture_value(&f, 3)->value, .1);
    fixture_close(&f);
}
END_TEST

/* The same of a step past its lease's goal, on which nothing rests yet. */
START_TEST(a_result_of_a_trial_promoted_meanwhile_changes_no_measurement)
{
    struct fixture f = asha("");

    for (int i = 0; i < 3; i++) {
        (void)fixture_ask(&f, NULL);
    }
    (void)fixture_measure(&f, 1, 1, .5);
    (void)fixture_measure(&f, 2, 1, .6);
    (void)fixture_measure(&f, 3, 1, .1);
    (void)fixture_measure(&f, 3, 2, .2);
    (void)fixture_measure(&f, 3, 2, .4); /* of its result */
    (void)fixture_finish(&f, 3, 2);
    schedule_hold(f.schedule, 3, 3); /* it is leased again */
    (void)fixture_finish(&f, 3, 0);
    ck_assert_int_eq(fixture_count(&f, FACT_SHORT, 3), 1);
    ck_assert_double_eq(fixture_value(&f, 3)->value, .2);
    fixture_close(&f);
}
END_TEST

static const double start[] = {.9, .5, .7, .4, .8, .6, .3, .2, .1};

/* loss(t, rung k) = a_t - .1k, the worker follows each answer: "0@1 1@1 …". */
static void run_alone(struct fixture *f, char text[], size_t size)
{
    static const int64_t levels[] = {1, 3, 9};
    size_t len = 0;
    int64_t until = 0;

    text[0] = '\0';
    for (;;) {
        int64_t trial = fixture_ask(f, &until);
        if (trial > 9) {
            return;
        }
        for (int k = 0; k < 3; k++) {
            if (levels[k] < until) {
                continue;
            }
            len +=
                (size_t)snprintf(text + len, size - len, "%d@%d ", (int)trial - 1, (int)levels[k]);
            double value = start[trial - 1] - .1 * k;
            if (fixture_measure(f, trial, levels[k], value) != VERDICT_RUN) {
                break;
            }
        }
        (void)fixture_finish(f, trial, until);
    }
}

START_TEST(promotion_makes_the_jobs_of_the_vector)
{
    struct fixture f = asha("");
    char text[512];

    run_alone(&f, text, sizeof text);
    ck_assert_str_eq(text, "0@1 1@1 2@1 1@3 3@1 3@3 4@1 5@1 6@1 6@3 6@9 7@1 7@3 7@9 8@1 8@3 8@9 ");
    fixture_close(&f);
}
END_TEST

START_TEST(stopping_makes_the_jobs_of_the_vector)
{
    struct fixture f = asha(", \"mode\": \"stopping\"");
    char text[512];

    run_alone(&f, text, sizeof text);
    ck_assert_str_eq(text, "0@1 0@3 0@9 1@1 1@3 1@9 2@1 3@1 3@3 3@9 4@1 5@1 6@1 6@3 6@9 "
                           "7@1 7@3 7@9 8@1 8@3 8@9 ");
    fixture_close(&f);
}
END_TEST

START_TEST(maximize_is_minimize_of_the_negative)
{
    struct fixture up = fixture_open(
        "\"strategy\": \"asha\", \"objectives\": [{\"metric\": \"acc\", \"direction\": "
        "\"maximize\"}], " NINE);
    struct fixture down = asha("");

    for (int i = 0; i < 9; i++) {
        int64_t trial = fixture_ask(&up, NULL);
        ck_assert_int_eq(fixture_ask(&down, NULL), trial);
        ck_assert_int_eq(fixture_measure(&up, trial, 1, -start[i]),
                         fixture_measure(&down, trial, 1, start[i]));
        (void)fixture_finish(&up, trial, 1);
        (void)fixture_finish(&down, trial, 1);
    }
    fixture_close(&up);
    fixture_close(&down);
}
END_TEST

START_TEST(failures_count_and_are_never_promoted)
{
    struct fixture f = asha("");

    int64_t first = fixture_ask(&f, NULL);
    int64_t second = fixture_ask(&f, NULL);
    int64_t third = fixture_ask(&f, NULL);
    ck_assert_int_eq(fixture_measure(&f, first, 1, (double)NAN), VERDICT_FAIL);
    ck_assert_int_eq(fixture_measure(&f, second, 1, .5), VERDICT_PAUSE);
    (void)fixture_finish(&f, second, 1);
    fixture_end(&f, third, FACT_FAIL);
    ck_assert_int_eq(fixture_ask(&f, NULL), second); /* 3 have reported: one may go on */
    ck_assert_int_eq(fixture_ask(&f, NULL), 4);
    fixture_close(&f);
}
END_TEST

START_TEST(held_trial_is_not_handed_to_another)
{
    struct fixture f = asha("");

    for (int i = 0; i < 3; i++) {
        (void)fixture_ask(&f, NULL);
    }
    ck_assert_int_eq(fixture_measure(&f, 1, 1, .1), VERDICT_PAUSE); /* alone so far */
    ck_assert_int_eq(fixture_measure(&f, 2, 1, .2), VERDICT_PAUSE);
    ck_assert_int_eq(fixture_measure(&f, 3, 1, .3), VERDICT_PAUSE); /* now 1 may go on */
    ck_assert_int_eq(fixture_ask(&f, NULL), 4);
    (void)fixture_finish(&f, 1, 1);
    ck_assert_int_eq(fixture_ask(&f, NULL), 1);
    fixture_close(&f);
}
END_TEST

START_TEST(worker_that_has_the_checkpoint_comes_first)
{
    struct fixture f = asha("");

    for (int64_t i = 1; i <= 6; i++) {
        (void)fixture_ask(&f, NULL);
    }
    f.moment.may_promote = false;
    for (int64_t i = 1; i <= 6; i++) {
        (void)fixture_measure(&f, i, 1, (double)i);
        (void)fixture_finish(&f, i, 1);
    }
    f.moment.may_promote = true;
    int64_t mine = 2;
    f.moment.worker = &mine;
    f.moment.prefers = fixture_prefers;
    ck_assert_int_eq(fixture_ask(&f, NULL), 2);
    ck_assert_int_eq(fixture_ask(&f, NULL), 1);
    fixture_close(&f);
}
END_TEST

START_TEST(brackets_share_as_the_table_says)
{
    struct fixture f = asha(", \"brackets\": 3");
    int counts[3] = {0};

    for (int i = 0; i < 100; i++) {
        int64_t until = 0;
        (void)fixture_ask(&f, &until);
        counts[until == 1 ? 0 : until == 3 ? 1 : 2]++;
    }
    /* shares 1 : 1/2 : 1/3 of K/(K-s)·3^-s = 1 : .5 : .333 */
    ck_assert_int_eq(counts[0], 55);
    ck_assert_int_eq(counts[1], 27);
    ck_assert_int_eq(counts[2], 18);
    fixture_close(&f);
}
END_TEST

START_TEST(progressive_holds_back_while_rankings_agree)
{
    struct fixture f =
        fixture_open("\"strategy\": {\"name\": \"asha\", \"progressive\": true}, "
                     "\"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 81}");
    int64_t highest = 0;
    int64_t until = 0;

    for (int i = 0; i < 400; i++) {
        int64_t trial = fixture_ask(&f, &until);
        int64_t goal = until;
        while (fixture_measure(&f, trial, goal, 1.0 / (double)trial) == VERDICT_RUN) {
            goal = fixture_goal(&f, trial);
        }
        highest = goal > highest ? goal : highest;
        (void)fixture_finish(&f, trial, goal);
    }
    ck_assert_int_eq(highest, 9);
    ck_assert_int_eq(fixture_count(&f, FACT_UNLOCK, 0), 0);

    struct err err = {0};
    ck_assert_int_eq(schedule_seal(f.schedule, &f.moment, &f.log, &err), 0);
    f.moment.may_start = false;
    int64_t trial = 0;
    int64_t last = 0;
    while ((trial = fixture_ask(&f, &until)) != 0) { /* the best is trained to the end */
        last = trial;
        int64_t goal = until;
        while (fixture_measure(&f, trial, goal, 1.0 / (double)trial) == VERDICT_RUN) {
            goal = fixture_goal(&f, trial);
        }
        (void)fixture_finish(&f, trial, goal);
        highest = goal > highest ? goal : highest;
    }
    ck_assert_int_eq(highest, 81);
    ck_assert_int_eq(fixture_verdict(&f, last), VERDICT_COMPLETE);
    fixture_close(&f);
}
END_TEST

START_TEST(progressive_unlocks_when_rankings_disagree)
{
    struct fixture f =
        fixture_open("\"strategy\": {\"name\": \"asha\", \"progressive\": true}, "
                     "\"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 81}");
    int64_t until = 0;

    for (int i = 0; i < 400; i++) {
        int64_t trial = fixture_ask(&f, &until);
        int64_t goal = until;
        do { /* the order turns round at every level */
            double value = goal == 3 || goal == 27 ? (double)trial : 1000 - (double)trial;
            if (fixture_measure(&f, trial, goal, value) != VERDICT_RUN) {
                break;
            }
            goal = fixture_goal(&f, trial);
        } while (true);
        (void)fixture_finish(&f, trial, goal);
    }
    ck_assert_int_gt(fixture_count(&f, FACT_UNLOCK, 0), 0);
    fixture_close(&f);
}
END_TEST

/* ---- predictive ---- */

static enum schedule_verdict judge(struct fixture *f, int64_t trial, int64_t level, double chance)
{
    const struct schedule_forecast word = {
        .known = chance >= 0, .chance = chance, .mean = .4, .spread = .1, .incumbent = .3};

    ck_assert_int_eq(
        schedule_apply_forecast(f->schedule, &f->moment, trial, level, &word, &f->log, NULL), 0);
    return fixture_verdict(f, trial);
}

#define PREDICTIVE ", \"mode\": \"predictive\""

/* ablation-multifidelity §2: R = 52 gives 6 10 17 30 52; a job is to train to the end. */
START_TEST(predictive_asks_at_each_level)
{
    static const int64_t levels[] = {6, 10, 17, 30};
    struct fixture f = fixture_open("\"strategy\": {\"name\": \"asha\"" PREDICTIVE "}, "
                                    "\"resource\": {\"name\": \"epochs\", \"max\": 52}");
    int64_t until = 0;
    int64_t level = 0;
    int64_t trial = fixture_ask(&f, &until);

    ck_assert_int_eq(until, 52);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(fixture_measure(&f, trial, levels[i] - 1, .5), VERDICT_RUN);
        ck_assert(!schedule_needs_forecast(f.schedule, trial, &level));
        ck_assert_int_eq(fixture_measure(&f, trial, levels[i], .5), VERDICT_RUN);
        ck_assert(schedule_needs_forecast(f.schedule, trial, &level));
        ck_assert_int_eq(level, levels[i]);
        ck_assert_int_eq(judge(&f, trial, levels[i], .1), VERDICT_RUN); /* delta itself goes on */
        ck_assert_int_eq(fixture_goal(&f, trial), 52);
    }
    ck_assert_int_eq(fixture_measure(&f, trial, 52, .5), VERDICT_COMPLETE);
    fixture_close(&f);
}
END_TEST

START_TEST(predictive_stops_below_delta)
{
    struct fixture f = asha(PREDICTIVE ", \"delta\": 0.2");
    int64_t trial = fixture_ask(&f, NULL);

    (void)fixture_measure(&f, trial, 1, .5);
    ck_assert_int_eq(judge(&f, trial, 1, .19), VERDICT_PRUNE);
    ck_assert_int_eq(fixture_count(&f, FACT_CHANCE, trial), 1);
    ck_assert_int_eq(fixture_count(&f, FACT_INCUMBENT, trial), 1);
    ck_assert_int_eq(fixture_finish(&f, trial, 1), VERDICT_PRUNE);
    fixture_close(&f);
}
END_TEST

/* Without a model the rank decides, as in "stopping": the vector of algorithms.md §7. */
START_TEST(predictive_ranks_without_a_model)
{
    static const double values[] = {.5, .9, .3, .7, .4, .4, .2, (double)NAN, .6};
    static const char expected[] = "CSCSSSCSS";
    struct fixture f = asha(PREDICTIVE);

    for (size_t i = 0; i < 9; i++) {
        int64_t trial = fixture_ask(&f, NULL);
        enum schedule_verdict verdict = fixture_measure(&f, trial, 1, values[i]);
        verdict = verdict == VERDICT_RUN ? judge(&f, trial, 1, -1) : verdict;
        ck_assert_msg((verdict == VERDICT_RUN) == (expected[i] == 'C'), "arrival %zu", i);
        ck_assert_int_eq(fixture_count(&f, FACT_CHANCE, trial), 0);
    }
    fixture_close(&f);
}
END_TEST

/* The trial trains on while the model thinks: what comes too late about a lower level is nothing.
 */
START_TEST(predictive_ignores_a_late_word)
{
    struct fixture f = asha(PREDICTIVE);
    int64_t level = 0;
    int64_t trial = fixture_ask(&f, NULL);

    (void)fixture_measure(&f, trial, 1, .5);
    (void)fixture_measure(&f, trial, 2, .4);
    ck_assert(schedule_needs_forecast(f.schedule, trial, &level));
    ck_assert_int_eq(level, 2);
    ck_assert_int_eq(judge(&f, trial, 1, 0), VERDICT_RUN);
    ck_assert(schedule_needs_forecast(f.schedule, trial, &level));
    ck_assert_int_eq(judge(&f, trial, 2, 0), VERDICT_PRUNE);
    ck_assert_int_eq(judge(&f, trial, 2, 1), VERDICT_PRUNE);
    fixture_close(&f);
}
END_TEST

START_TEST(predictive_job_that_leaves_is_complete)
{
    struct fixture f = asha(PREDICTIVE);
    int64_t early = fixture_ask(&f, NULL);
    int64_t silent = fixture_ask(&f, NULL);

    (void)fixture_measure(&f, early, 2, .5);
    ck_assert_int_eq(fixture_finish(&f, early, 2), VERDICT_COMPLETE);
    ck_assert_int_eq(judge(&f, early, 2, 0), VERDICT_COMPLETE);
    ck_assert_int_eq(fixture_measure(&f, silent, 9, .1),
                     VERDICT_COMPLETE); /* reported all at once */
    ck_assert_int_eq(fixture_finish(&f, silent, 9), VERDICT_COMPLETE);
    fixture_close(&f);
}
END_TEST

START_TEST(predictive_is_rebuilt_from_its_facts)
{
    struct fixture f = asha(PREDICTIVE);
    int64_t stopped = fixture_ask(&f, NULL);
    int64_t goes_on = fixture_ask(&f, NULL);
    int64_t waits = fixture_ask(&f, NULL);
    int64_t level = 0;

    (void)fixture_measure(&f, stopped, 1, .5);
    (void)fixture_measure(&f, goes_on, 1, .4);
    (void)judge(&f, stopped, 1, .01);
    (void)judge(&f, goes_on, 1, .5);
    (void)fixture_measure(&f, waits, 1, .3);
    OWN(schedule) struct schedule *again = NULL;
    ck_assert_int_eq(schedule_create(f.study, &again, NULL), 0);
    for (size_t i = 0; i < f.log.n; i++) {
        ck_assert_int_eq(schedule_load(again, &f.log.items[i], NULL), 0);
    }
    ck_assert_int_eq(schedule_answer(again, stopped).verdict, VERDICT_PRUNE);
    ck_assert_int_eq(schedule_answer(again, goes_on).verdict, VERDICT_RUN);
    ck_assert(!schedule_needs_forecast(again, goes_on, &level));
    ck_assert(schedule_needs_forecast(again, waits, &level));
    ck_assert_int_eq(level, 1);
    fixture_close(&f);
}
END_TEST

START_TEST(predictive_says_its_numbers)
{
    struct fixture f = asha(PREDICTIVE);
    struct buf text;
    struct json_writer w;
    int64_t trial = fixture_ask(&f, NULL);

    (void)fixture_measure(&f, trial, 1, .5);
    (void)judge(&f, trial, 1, .01);
    buf_init(&text, 1 << 16);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    ck_assert_int_eq(schedule_write_explanation(f.study, f.log.n, f.log.items, trial, &w, NULL), 0);
    json_object_end(&w);
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "\"forecast\":{\"chance\":0.01,\"delta\":0.1,"
                                                  "\"mean\":0.4,\"sd\":0.1,\"incumbent\":0.3}"));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "stopped at 1 epoch: the model expects 0.4"));
    ck_assert_ptr_null(strstr(buf_text(&text), "\"event\":\"mean\""));
    buf_finish(&text);
    fixture_close(&f);
}
END_TEST

START_TEST(predictive_refuses_what_does_not_go_with_it)
{
    static const struct {
        const char *options, *fault;
    } cases[] = {
        {PREDICTIVE ", \"delta\": 0", "/strategy/delta"},
        {PREDICTIVE ", \"delta\": 1.5", "/strategy/delta"},
        {", \"delta\": 0.2", "/strategy/delta"},
        {PREDICTIVE ", \"brackets\": 2", "/strategy/brackets"},
        {PREDICTIVE ", \"progressive\": true", "/strategy/progressive"},
        {", \"mode\": \"prophetic\"", "/strategy/mode"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char members[512];
        (void)snprintf(members, sizeof members, "\"strategy\": {\"name\": \"asha\"%s}, " NINE,
                       cases[i].options);
        char *faults = fixture_faults(members);
        ck_assert_msg(strstr(faults, cases[i].fault) != NULL, "%s: %s", cases[i].options, faults);
        free(faults);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("asha");
    TCase *tcase = tcase_create("asha");

    tcase_add_test(tcase, stopping_decides_on_arrival);
    tcase_add_test(tcase, a_result_changes_no_value_that_decided);
    tcase_add_test(tcase, a_result_of_a_trial_promoted_meanwhile_changes_no_measurement);
    tcase_add_test(tcase, promotion_makes_the_jobs_of_the_vector);
    tcase_add_test(tcase, stopping_makes_the_jobs_of_the_vector);
    tcase_add_test(tcase, maximize_is_minimize_of_the_negative);
    tcase_add_test(tcase, failures_count_and_are_never_promoted);
    tcase_add_test(tcase, held_trial_is_not_handed_to_another);
    tcase_add_test(tcase, worker_that_has_the_checkpoint_comes_first);
    tcase_add_test(tcase, brackets_share_as_the_table_says);
    tcase_add_test(tcase, progressive_holds_back_while_rankings_agree);
    tcase_add_test(tcase, progressive_unlocks_when_rankings_disagree);
    tcase_add_test(tcase, predictive_asks_at_each_level);
    tcase_add_test(tcase, predictive_stops_below_delta);
    tcase_add_test(tcase, predictive_ranks_without_a_model);
    tcase_add_test(tcase, predictive_ignores_a_late_word);
    tcase_add_test(tcase, predictive_job_that_leaves_is_complete);
    tcase_add_test(tcase, predictive_is_rebuilt_from_its_facts);
    tcase_add_test(tcase, predictive_says_its_numbers);
    tcase_add_test(tcase, predictive_refuses_what_does_not_go_with_it);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

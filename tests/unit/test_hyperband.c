#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/run_suite.h"
#include "tests/support/schedule_fixture.h"

#define HYPERBAND "\"strategy\": \"hyperband\", "
#define UP_TO(max) "\"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": " #max "}"

static void finish_all(struct fixture *f, int64_t from, int64_t to, int64_t step)
{
    for (int64_t trial = from; trial <= to; trial++) {
        (void)fixture_finish(f, trial, step);
    }
}

/* algorithms.md §7: 5 → 1 with .4 NaN .2 .2 NaN: the earlier .2 advances. */
START_TEST(earlier_of_two_equals_advances)
{
    static const double values[] = {.4, (double)NAN, .2, .2, (double)NAN};
    struct fixture f =
        fixture_open("\"strategy\": {\"name\": \"hyperband\", \"eta\": 5}, " UP_TO(5));
    int64_t until = 0;

    for (int64_t trial = 1; trial <= 5; trial++) {
        ck_assert_int_eq(fixture_ask(&f, &until), trial);
        ck_assert_int_eq(until, 1);
    }
    for (int64_t trial = 1; trial <= 5; trial++) {
        (void)fixture_measure(&f, trial, 1, values[trial - 1]);
    }
    ck_assert_int_eq(fixture_verdict(&f, 3), VERDICT_PAUSE);
    ck_assert_int_eq(fixture_verdict(&f, 1), VERDICT_PRUNE);
    ck_assert_int_eq(fixture_verdict(&f, 2), VERDICT_FAIL);
    ck_assert_int_eq(fixture_verdict(&f, 4), VERDICT_PRUNE);
    finish_all(&f, 1, 5, 1);
    ck_assert_int_eq(fixture_ask(&f, &until), 3);
    ck_assert_int_eq(until, 5);
    fixture_close(&f);
}
END_TEST

/* I14 */
START_TEST(rung_without_any_value_promotes_no_trial)
{
    struct fixture f = fixture_open(HYPERBAND UP_TO(9));

    for (int64_t trial = 1; trial <= 9; trial++) {
        ck_assert_int_eq(fixture_ask(&f, NULL), trial);
    }
    for (int64_t trial = 1; trial <= 9; trial++) {
        ck_assert_int_eq(fixture_measure(&f, trial, 1, (double)NAN), VERDICT_FAIL);
    }
    ck_assert_int_eq(fixture_count(&f, FACT_PROMOTE, 0), 0);
    ck_assert_int_eq(fixture_ask(&f, NULL), 10); /* the next bracket */
    fixture_close(&f);
}
END_TEST

/* algorithms.md §7: .1 .2 .5 .6 .7 .8 .9 reported, 2 outstanding, 3 advance: .1 alone may start. */
START_TEST(certain_trial_starts_before_the_rung_is_full)
{
    static const double values[] = {.9, .2, .5, .6, .7, .8, .1};
    struct fixture f = fixture_open(HYPERBAND UP_TO(9));
    int64_t until = 0;

    for (int64_t trial = 1; trial <= 9; trial++) {
        (void)fixture_ask(&f, NULL);
    }
    for (int64_t trial = 1; trial <= 6; trial++) {
        ck_assert_int_ne(fixture_measure(&f, trial, 1, values[trial - 1]), VERDICT_RUN);
    }
    ck_assert_int_eq(fixture_measure(&f, 7, 1, values[6]), VERDICT_RUN); /* on the spot */
    ck_assert_int_eq(fixture_goal(&f, 7), 3);
    finish_all(&f, 1, 6, 1);
    ck_assert_int_eq(fixture_ask(&f, &until), 10); /* no other trial is certain: the next bracket */
    ck_assert_int_eq(until, 3);
    ck_assert_int_eq(fixture_count(&f, FACT_LOSE, 0), 4); /* .6 .7 .8 .9 are certain to lose */
    fixture_close(&f);
}
END_TEST

START_TEST(certain_loser_stops_at_once)
{
    struct fixture f = fixture_open(HYPERBAND UP_TO(9));

    for (int64_t trial = 1; trial <= 9; trial++) {
        (void)fixture_ask(&f, NULL);
    }
    ck_assert_int_eq(fixture_measure(&f, 1, 1, .1), VERDICT_PAUSE);
    ck_assert_int_eq(fixture_measure(&f, 2, 1, .2), VERDICT_PAUSE);
    ck_assert_int_eq(fixture_measure(&f, 3, 1, .3), VERDICT_PAUSE);
    ck_assert_int_eq(fixture_measure(&f, 4, 1, .4), VERDICT_PRUNE);
    ck_assert_int_eq(fixture_measure(&f, 5, 1, .25), VERDICT_PAUSE);
    ck_assert_int_eq(fixture_verdict(&f, 3), VERDICT_PRUNE); /* overtaken meanwhile */
    fixture_close(&f);
}
END_TEST

/* Lets one worker do everything; counts what each level cost. */
static int64_t run_rounds(struct fixture *f, double (*value)(int64_t trial, int64_t step))
{
    int64_t spent = 0;
    int64_t until = 0;
    int64_t trial;

    while ((trial = fixture_ask(f, &until)) != 0) {
        while (fixture_measure(f, trial, until, value(trial, until)) == VERDICT_RUN) {
            until = fixture_goal(f, trial);
        }
        (void)fixture_finish(f, trial, until);
        spent++;
    }
    return spent;
}

static double falling(int64_t trial, int64_t step)
{
    return (double)((trial * 7919) % 101) / (double)step;
}

START_TEST(one_round_is_the_table)
{
    struct fixture f =
        fixture_open("\"strategy\": {\"name\": \"hyperband\", \"rounds\": 1}, " UP_TO(81));
    struct schedule_offer offer;

    (void)run_rounds(&f, falling);
    ck_assert_int_eq(f.n_trials, 81 + 34 + 15 + 8 + 5);
    ck_assert_int_eq(fixture_count(&f, FACT_VALUE, 0), 206);
    schedule_offer(f.schedule, &f.moment, &offer);
    ck_assert_int_eq(offer.kind, OFFER_NOTHING);
    ck_assert(offer.is_over);
    fixture_close(&f);
}
END_TEST

START_TEST(halving_repeats_one_kind_of_bracket)
{
    struct fixture f = fixture_open(
        "\"strategy\": {\"name\": \"successive_halving\", \"bracket\": 2, \"rounds\": 2}, " UP_TO(
            81));

    (void)run_rounds(&f, falling);
    ck_assert_int_eq(f.n_trials, 30);
    ck_assert_int_eq(fixture_count(&f, FACT_VALUE, 0), 2 * (15 + 5 + 1));
    fixture_close(&f);
}
END_TEST

START_TEST(waiting_ask_is_explained_by_a_trial)
{
    struct fixture f = fixture_open(
        "\"strategy\": {\"name\": \"hyperband\", \"rounds\": 1, \"brackets\": 1}, " UP_TO(9));
    struct schedule_offer offer;

    for (int64_t trial = 1; trial <= 9; trial++) {
        (void)fixture_ask(&f, NULL);
    }
    for (int64_t trial = 1; trial <= 6; trial++) {
        (void)fixture_measure(&f, trial, 1, (double)trial);
        (void)fixture_finish(&f, trial, 1);
    }
    schedule_offer(f.schedule, &f.moment, &offer);
    ck_assert_int_eq(offer.kind, OFFER_NOTHING);
    ck_assert_str_eq(offer.detail, "bracket 0, rung 0 waits for 3 running trials");
    ck_assert(!offer.is_over);
    fixture_close(&f);
}
END_TEST

START_TEST(lost_attempts_do_not_hold_up_the_bracket)
{
    struct fixture f = fixture_open(HYPERBAND UP_TO(9));

    for (int64_t trial = 1; trial <= 9; trial++) {
        (void)fixture_ask(&f, NULL);
    }
    for (int64_t trial = 1; trial <= 6; trial++) {
        (void)fixture_measure(&f, trial, 1, (double)trial);
    }
    finish_all(&f, 1, 6, 1);
    schedule_release(f.schedule, 7); /* lost; will be tried again */
    ck_assert_int_eq(fixture_verdict(&f, 7), VERDICT_RUN);
    ck_assert_int_eq(fixture_goal(&f, 7), 1);
    fixture_end(&f, 7, FACT_FAIL); /* lost for good */
    fixture_end(&f, 8, FACT_CANCEL);
    fixture_end(&f, 9, FACT_FAIL);
    ck_assert_int_eq(fixture_ask(&f, NULL), 1);
    ck_assert_int_eq(fixture_ask(&f, NULL), 2);
    ck_assert_int_eq(fixture_ask(&f, NULL), 3);
    ck_assert_int_eq(fixture_verdict(&f, 4), VERDICT_PRUNE);
    fixture_close(&f);
}
END_TEST

START_TEST(cancelled_winner_leaves_its_slot_empty)
{
    struct fixture f = fixture_open(HYPERBAND UP_TO(9));

    for (int64_t trial = 1; trial <= 9; trial++) {
        (void)fixture_ask(&f, NULL);
    }
    f.moment.may_promote = false;
    for (int64_t trial = 1; trial <= 9; trial++) {
        (void)fixture_measure(&f, trial, 1, (double)trial);
    }
    finish_all(&f, 1, 9, 1);
    fixture_end(&f, 1, FACT_CANCEL);
    f.moment.may_promote = true;
    ck_assert_int_eq(fixture_ask(&f, NULL), 2);
    ck_assert_int_eq(fixture_ask(&f, NULL), 3);
    (void)fixture_measure(&f, 2, 3, 2);
    ck_assert_int_eq(fixture_measure(&f, 3, 3, 1), VERDICT_RUN); /* that rung is full with two */
    fixture_close(&f);
}
END_TEST

START_TEST(short_trial_keeps_its_value_at_every_later_rung)
{
    struct fixture f = fixture_open(HYPERBAND UP_TO(9));

    for (int64_t trial = 1; trial <= 9; trial++) {
        (void)fixture_ask(&f, NULL);
    }
    for (int64_t trial = 2; trial <= 9; trial++) {
        (void)fixture_measure(&f, trial, 1, (double)trial);
    }
    (void)fixture_measure(&f, 1, 0, 1); /* ends by itself before its goal */
    ck_assert_int_eq(fixture_finish(&f, 1, 0), VERDICT_COMPLETE);
    ck_assert_int_eq(fixture_count(&f, FACT_PROMOTE, 1), 1);
    finish_all(&f, 2, 9, 1);
    ck_assert_int_eq(fixture_ask(&f, NULL), 2);
    ck_assert_int_eq(fixture_ask(&f, NULL), 3);
    (void)fixture_measure(&f, 2, 3, 2);
    (void)fixture_measure(&f, 3, 3, 3);
    ck_assert_int_eq(fixture_verdict(&f, 3), VERDICT_PRUNE);
    ck_assert_int_eq(fixture_verdict(&f, 2), VERDICT_PRUNE); /* 1 stands above it, for good */
    ck_assert_int_eq(fixture_count(&f, FACT_VALUE, 1), 3);
    ck_assert_int_eq(fixture_verdict(&f, 1), VERDICT_COMPLETE);
    fixture_close(&f);
}
END_TEST

START_TEST(promotion_stands_when_the_job_could_not_listen)
{
    struct fixture f = fixture_open(HYPERBAND UP_TO(9));

    for (int64_t trial = 1; trial <= 9; trial++) {
        (void)fixture_ask(&f, NULL);
    }
    for (int64_t trial = 2; trial <= 9; trial++) {
        (void)fixture_measure(&f, trial, 1, (double)trial);
    }
    ck_assert_int_eq(fixture_measure(&f, 1, 1, .5), VERDICT_RUN);
    ck_assert_int_eq(fixture_finish(&f, 1, 1), VERDICT_RUN); /* goes out again */
    ck_assert_int_eq(fixture_goal(&f, 1), 3);
    schedule_hold(f.schedule, 1, 3);
    (void)fixture_measure(&f, 1, 2, .4);
    ck_assert_int_eq(fixture_finish(&f, 1, 2), VERDICT_COMPLETE); /* now it ended by itself */
    fixture_close(&f);
}
END_TEST

START_TEST(value_is_the_last_one_at_or_before_the_rung)
{
    struct fixture f = fixture_open("\"strategy\": \"hyperband\", \"resource\": {\"name\": "
                                    "\"epochs\", \"min\": 4, \"max\": 12}");

    (void)fixture_ask(&f, NULL);
    ck_assert_int_eq(fixture_measure(&f, 1, 3, .7), VERDICT_RUN);
    ck_assert_int_eq(fixture_measure(&f, 1, 5, .1), VERDICT_PAUSE);
    ck_assert_int_eq(fixture_value(&f, 1)->step, 3);
    ck_assert_double_eq(fixture_value(&f, 1)->value, .7);
    (void)fixture_ask(&f, NULL);
    (void)fixture_measure(&f, 2, 5, .2); /* nothing before: the first one past it */
    ck_assert_double_eq(fixture_value(&f, 2)->value, .2);
    fixture_close(&f);
}
END_TEST

START_TEST(training_past_the_rung_counts_later)
{
    struct fixture f = fixture_open(HYPERBAND UP_TO(9));

    for (int64_t trial = 1; trial <= 9; trial++) {
        (void)fixture_ask(&f, NULL);
    }
    (void)fixture_measure(&f, 1, 1, .1);
    ck_assert_int_eq(fixture_measure(&f, 1, 3, .05), VERDICT_PAUSE); /* ran past its rung */
    ck_assert_int_eq(fixture_measure(&f, 1, 4, .04), VERDICT_PAUSE);
    for (int64_t trial = 2; trial <= 9; trial++) {
        (void)fixture_measure(&f, trial, 1, (double)trial);
    }
    ck_assert_int_eq(fixture_count(&f, FACT_PROMOTE, 1), 1); /* without another lease */
    ck_assert_double_eq(fixture_value(&f, 1)->value, .05);
    fixture_close(&f);
}
END_TEST

START_TEST(limit_on_trials_seals_the_bracket)
{
    struct fixture f = fixture_open(HYPERBAND UP_TO(9));
    struct err err = {0};

    for (int64_t trial = 1; trial <= 6; trial++) {
        (void)fixture_ask(&f, NULL);
        (void)fixture_measure(&f, trial, 1, (double)trial);
        (void)fixture_finish(&f, trial, 1);
    }
    f.moment.may_start = false;
    ck_assert_int_eq(fixture_ask(&f, NULL), 0); /* three slots are free: no trial is certain */
    ck_assert_int_eq(schedule_seal(f.schedule, &f.moment, &f.log, &err), 0);
    ck_assert_int_eq(schedule_seal(f.schedule, &f.moment, &f.log, &err), 0);
    ck_assert_int_eq(fixture_count(&f, FACT_SEAL, 0), 1);
    ck_assert_int_eq(fixture_ask(&f, NULL), 1); /* 6 of 9 took slots: 2 of 3 advance */
    ck_assert_int_eq(fixture_ask(&f, NULL), 2);
    ck_assert_int_eq(fixture_ask(&f, NULL), 0);
    ck_assert_int_eq(fixture_verdict(&f, 3), VERDICT_PRUNE);
    (void)fixture_measure(&f, 2, 3, 2);
    ck_assert_int_eq(fixture_measure(&f, 1, 3, 1), VERDICT_RUN);
    ck_assert_int_eq(fixture_measure(&f, 1, 9, 1), VERDICT_COMPLETE);
    fixture_close(&f);
}
END_TEST

START_TEST(paused_study_promotes_no_trial_on_the_spot)
{
    struct fixture f = fixture_open(HYPERBAND UP_TO(9));

    for (int64_t trial = 1; trial <= 9; trial++) {
        (void)fixture_ask(&f, NULL);
    }
    f.moment.may_promote = false;
    f.moment.may_start = false;
    for (int64_t trial = 9; trial >= 1; trial--) {
        ck_assert_int_ne(fixture_measure(&f, trial, 1, (double)trial), VERDICT_RUN);
        (void)fixture_finish(&f, trial, 1);
    }
    ck_assert_int_eq(fixture_ask(&f, NULL), 0);
    f.moment.may_promote = true;
    ck_assert_int_eq(fixture_ask(&f, NULL), 1);
    fixture_close(&f);
}
END_TEST

START_TEST(quorum_closes_a_rung_without_its_straggler)
{
    struct fixture f =
        fixture_open("\"strategy\": {\"name\": \"hyperband\", \"quorum\": 0.8}, " UP_TO(9));
    struct err err = {0};
    int64_t next_ms = 0;

    for (int64_t trial = 1; trial <= 9; trial++) {
        (void)fixture_ask(&f, NULL);
    }
    f.moment.now_ms = 1000;
    for (int64_t trial = 1; trial <= 8; trial++) {
        (void)fixture_measure(&f, trial, 1, (double)trial);
    }
    ck_assert_int_eq(schedule_tick(f.schedule, &f.moment, &f.log, &next_ms, &err), 0);
    ck_assert_int_eq(fixture_count(&f, FACT_LATE, 0), 0);
    ck_assert_int_eq(next_ms, 2000);
    f.moment.now_ms = 2001;
    ck_assert_int_eq(schedule_tick(f.schedule, &f.moment, &f.log, &next_ms, &err), 0);
    ck_assert_int_eq(fixture_count(&f, FACT_LATE, 9), 1);
    ck_assert_int_eq(fixture_measure(&f, 9, 1, 0), VERDICT_PRUNE); /* an observation, no more */
    ck_assert_int_eq(fixture_verdict(&f, 3), VERDICT_PAUSE);
    ck_assert_int_eq(fixture_verdict(&f, 4), VERDICT_PRUNE);
    fixture_close(&f);
}
END_TEST

/* I8: every prefix of the facts rebuilds a schedule that goes on in the same way. */
START_TEST(facts_rebuild_the_schedule)
{
    struct fixture f =
        fixture_open("\"strategy\": {\"name\": \"hyperband\", \"rounds\": 1}, " UP_TO(27));
    struct err err = {0};

    (void)run_rounds(&f, falling);
    for (size_t cut = 0; cut <= f.log.n; cut += 5) {
        struct fixture twin =
            fixture_open("\"strategy\": {\"name\": \"hyperband\", \"rounds\": 1}, " UP_TO(27));
        for (size_t i = 0; i < cut; i++) {
            const struct schedule_record *record = &f.log.items[i];
            ck_assert_int_eq(schedule_load(twin.schedule, record, &err), 0);
            twin.n_trials = record->trial > twin.n_trials ? record->trial : twin.n_trials;
        }
        for (int64_t trial = 1; trial <= twin.n_trials; trial++) {
            struct schedule_answer answer = schedule_answer(twin.schedule, trial);
            if (answer.verdict == VERDICT_RUN) { /* what trained at that moment goes on */
                schedule_hold(twin.schedule, trial, answer.until);
                int64_t until = answer.until;
                while (fixture_measure(&twin, trial, until, falling(trial, until)) == VERDICT_RUN) {
                    until = fixture_goal(&twin, trial);
                }
                (void)fixture_finish(&twin, trial, until);
            }
        }
        (void)run_rounds(&twin, falling);
        ck_assert_int_eq(twin.n_trials, f.n_trials);
        for (int64_t trial = 1; trial <= f.n_trials; trial++) {
            ck_assert_int_eq(fixture_verdict(&twin, trial), fixture_verdict(&f, trial));
        }
        fixture_close(&twin);
    }
    fixture_close(&f);
}
END_TEST

START_TEST(facts_that_do_not_fit_are_refused)
{
    static const struct schedule_record wrong[] = {
        {.fact = FACT_VALUE, .trial = 1}, {.fact = FACT_START, .trial = 1, .bracket = 3},
        {.fact = FACT_START, .trial = 0}, {.fact = FACT_SEAL, .bracket = 0},
        {.fact = FACT_COUNT, .trial = 1},
    };
    struct fixture f = fixture_open(HYPERBAND UP_TO(9));
    struct err err = {0};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(schedule_load(f.schedule, &wrong[i], &err), -1);
        ck_assert_int_eq(err.code, ERR_IO);
    }
    fixture_close(&f);
}
END_TEST

static const struct {
    const char *members, *fault;
} refused[] = {
    {"\"strategy\": \"hyperband\"", "/resource hyperband decides"},
    {"\"strategy\": {\"name\": \"hyperband\", \"eta\": 1}, " UP_TO(9),
     "/strategy/eta must be a number above 1"},
    {"\"strategy\": {\"name\": \"asha\", \"eta\": 1000.5}, " UP_TO(9),
     "/strategy/eta must be a number above 1"},
    {"\"strategy\": {\"name\": \"asha\", \"eta\": 1.01}, " UP_TO(9), "/strategy/eta makes more"},
    {"\"strategy\": {\"name\": \"hyperband\", \"eta\": 1.2}, " UP_TO(9),
     "/resource/step two rungs"},
    {"\"strategy\": {\"name\": \"bohb\"}, \"resource\": {\"min\": 0.5, \"max\": 9, \"step\": 4}",
     "/resource/step two rungs"},
    {"\"strategy\": {\"name\": \"successive_halving\", \"eta\": 1.1}, " UP_TO(9),
     "/resource/step two rungs"},
    {"\"strategy\": {\"name\": \"asha\", \"etta\": 2}, " UP_TO(9), "/strategy/etta unknown"},
    {"\"strategy\": {\"name\": \"asha\", \"search\": \"grid\"}, " UP_TO(9),
     "/strategy/search there is no search"},
    {"\"strategy\": {\"name\": \"asha\", \"mode\": \"x\"}, " UP_TO(9), "/strategy/mode must"},
    {"\"strategy\": {\"name\": \"asha\", \"brackets\": 4}, " UP_TO(9), "/strategy/brackets must"},
    {"\"strategy\": {\"name\": \"asha\", \"mode\": \"stopping\", \"progressive\": true}, " UP_TO(9),
     "/strategy/progressive goes"},
    {"\"strategy\": {\"name\": \"hyperband\", \"quorum\": 2}, " UP_TO(9), "/strategy/quorum must"},
    {"\"strategy\": {\"name\": \"hyperband\", \"rounds\": 0}, " UP_TO(9), "/strategy/rounds must"},
    {"\"strategy\": {\"name\": \"hyperband\", \"rounding\": \"up\"}, " UP_TO(9),
     "/strategy/rounding must"},
    {"\"strategy\": {\"name\": \"successive_halving\", \"bracket\": 3}, " UP_TO(9),
     "/strategy/bracket must"},
};

START_TEST(impossible_schedule_is_refused_by_name)
{
    OWN(memory) char *faults = fixture_faults(refused[_i].members);

    ck_assert_msg(strncmp(faults, refused[_i].fault, strlen(refused[_i].fault)) == 0,
                  "\"%s\" is not \"%s…\"", faults, refused[_i].fault);
}
END_TEST

START_TEST(search_stands_behind_the_schedule)
{
    OWN(study_def) struct study_def *bare = fixture_study(HYPERBAND UP_TO(9));
    OWN(study_def)
    struct study_def *named =
        fixture_study("\"strategy\": {\"name\": \"asha\", \"search\": \"quasirandom\"}, " UP_TO(9));
    OWN(study_def) struct study_def *plain = fixture_study("\"strategy\": \"grid\"");

    OWN(study_def) struct study_def *bohb = fixture_study("\"strategy\": \"bohb\", " UP_TO(9));

    ck_assert_str_eq(schedule_search(bohb), "tpe");
    ck_assert_str_eq(schedule_search(bare), "random");
    ck_assert_str_eq(schedule_search(named), "quasirandom");
    ck_assert_str_eq(schedule_search(plain), "grid");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hyperband");
    TCase *tcase = tcase_create("hyperband");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, earlier_of_two_equals_advances);
    tcase_add_test(tcase, rung_without_any_value_promotes_no_trial);
    tcase_add_test(tcase, certain_trial_starts_before_the_rung_is_full);
    tcase_add_test(tcase, certain_loser_stops_at_once);
    tcase_add_test(tcase, one_round_is_the_table);
    tcase_add_test(tcase, halving_repeats_one_kind_of_bracket);
    tcase_add_test(tcase, waiting_ask_is_explained_by_a_trial);
    tcase_add_test(tcase, lost_attempts_do_not_hold_up_the_bracket);
    tcase_add_test(tcase, cancelled_winner_leaves_its_slot_empty);
    tcase_add_test(tcase, short_trial_keeps_its_value_at_every_later_rung);
    tcase_add_test(tcase, promotion_stands_when_the_job_could_not_listen);
    tcase_add_test(tcase, value_is_the_last_one_at_or_before_the_rung);
    tcase_add_test(tcase, training_past_the_rung_counts_later);
    tcase_add_test(tcase, limit_on_trials_seals_the_bracket);
    tcase_add_test(tcase, paused_study_promotes_no_trial_on_the_spot);
    tcase_add_test(tcase, quorum_closes_a_rung_without_its_straggler);
    tcase_add_test(tcase, facts_rebuild_the_schedule);
    tcase_add_test(tcase, facts_that_do_not_fit_are_refused);
    tcase_add_loop_test(tcase, impossible_schedule_is_refused_by_name, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tcase, search_stands_behind_the_schedule);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

/* Reports that wait for the model's forecast (asha, predictive): which ones, how long, for what. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/suggester/suggester.h"
#include "tests/sim/world.h"

#define TIMEOUT_MS 2000

struct play {
    struct world world;
    char lease[LEASE_ID_BYTES]; /* of the last grant */
    struct command *reports[8]; /* answered measurements, oldest first */
    size_t n_reports;
};

static void take(void *context, struct command *command)
{
    struct play *play = context;

    if (command->kind == COMMAND_ASK && as_ask(command)->out.granted) {
        memcpy(play->lease, as_ask(command)->out.grant.id, sizeof play->lease);
    }
    if (command->kind == COMMAND_MEASURE) {
        ck_assert_uint_lt(play->n_reports, 8);
        play->reports[play->n_reports++] = command;
        return;
    }
    ck_assert_msg(command->err.code == ERR_NONE, "%s", command->err.text);
    command_destroy(command);
}

/* Three trials are complete, so that the model forecasts; a fourth is leased and trains. */
static void begin_to(struct play *play, const char *serving, int eta, int max)
{
    char body[512];

    *play = (struct play){0};
    ck_assert_int_eq(world_open(&play->world, 1, NULL), 0);
    play->world.suggestion_timeout_ms = TIMEOUT_MS;
    ck_assert_int_eq(world_restart(&play->world, NULL), 0);
    play->world.answered = take;
    play->world.context = play;
    (void)snprintf(
        body, sizeof body,
        "{\"name\": \"s\", \"metric\": \"loss\", \"direction\": \"minimize\", \"seed\": 1,"
        "\"strategy\": {\"name\": \"asha\", \"mode\": \"predictive\", \"search\": "
        "\"random\", \"serving\": \"%s\", \"eta\": %d}, \"resource\": {\"name\": \"epochs\", "
        "\"min\": "
        "1, \"max\": %d}, \"lease\": {\"ttl_seconds\": 3600}, \"parameters\": [{\"name\": "
        "\"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}]}",
        serving, eta, max);
    ck_assert_int_eq(world_do(&play->world, world_create_study(body), NULL), 0);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(world_do(&play->world, world_ask("s", "{}"), NULL), 0);
        if (i < 3) {
            (void)snprintf(body, sizeof body,
                           "{\"outcome\": \"completed\", \"metrics\": {\"loss\": 0.1%d}}", i);
            ck_assert_int_eq(world_do(&play->world, world_result(play->lease, body), NULL), 0);
        }
    }
    play->world.holds_jobs = true;
}

static void begin(struct play *play, const char *serving)
{
    begin_to(play, serving, 3, 9);
}

static void finish(struct play *play)
{
    world_finish(&play->world);
    for (size_t i = 0; i < play->n_reports; i++) {
        command_destroy(play->reports[i]);
    }
}

static struct command *report(const struct play *play, int step, double loss)
{
    char body[128];

    (void)snprintf(body, sizeof body,
                   "{\"measurements\": [{\"step\": %d, \"metrics\": {\"loss\": %g}}]}", step, loss);
    return world_measure(play->lease, body);
}

static void measure(struct play *play, int step, double loss)
{
    ck_assert_int_eq(world_do(&play->world, report(play, step, loss), NULL), 0);
}

static void correct(struct play *play, int step, double loss)
{
    struct command *command = report(play, step, loss);

    as_measure(command)->in.measurements.replace = true;
    ck_assert_int_eq(world_do(&play->world, command, NULL), 0);
}

START_TEST(exact_serving_waits_for_the_forecast)
{
    struct play play;

    begin(&play, "exact");
    measure(&play, 1, 50);
    ck_assert_int_eq(world_advance(&play.world, 100 * TIMEOUT_MS, NULL), 0);
    ck_assert_uint_eq(play.n_reports, 0);
    ck_assert_int_eq(world_run_jobs(&play.world, NULL), 0);
    ck_assert_uint_eq(play.n_reports, 1);
    ck_assert_int_eq(as_measure(play.reports[0])->out.action.action, ACTION_STOP);
    finish(&play);
}
END_TEST

/* The value that a forecast of the fourth trial has of this step. */
static double forecast_sees(const struct suggestion_job *job, int64_t step)
{
    const struct history *history = &job->snapshot.history;
    double value = (double)NAN;

    for (size_t i = 0; i < history->n; i++) {
        const struct observation *seen = &history->items[i];
        for (size_t k = 0; seen->number == 4 && k < seen->n_curve; k++) {
            value = seen->curve[k].step == step ? seen->curve[k].value : value;
        }
    }
    return value;
}

/* The levels of the schedule are 9, 27 and 81; the model looks at step 16 too, on which nothing is
 * decided by itself. */
static void begin_forecast_at_27(struct play *play)
{
    begin_to(play, "exact", 9, 81);
    play->world.holds_jobs = false;
    measure(play, 9, 0.05);
    measure(play, 16, 0.04);
    play->world.holds_jobs = true;
    measure(play, 27, 0.03);
    ck_assert_uint_eq(play->n_reports, 2); /* the third one waits */
}

START_TEST(requested_forecast_is_made_from_the_replaced_value)
{
    struct play play;
    struct suggestion_job *job;
    struct suggestion_job *last = NULL;

    begin_forecast_at_27(&play);
    correct(&play, 16, 0.5);
    while ((job = tuning_take_job(play.world.tuning)) != NULL) {
        suggestion_job_destroy(last);
        last = job;
    }
    ck_assert_int_eq(last->level, 27);
    ck_assert_double_eq(forecast_sees(last, 16), 0.5);
    suggestion_job_destroy(last);
    finish(&play);
}
END_TEST

START_TEST(value_stays_once_a_forecast_has_used_it)
{
    struct play play;

    begin_forecast_at_27(&play);
    correct(&play, 9, 0.5); /* the value at a level */
    correct(&play, 16, 0.045);
    ck_assert_int_eq(world_run_jobs(&play.world, NULL), 0);
    correct(&play, 16, 0.5);
    ck_assert_uint_eq(play.n_reports, 6);
    const int64_t conflicts[] = {0, 0, 0, 1, 0, 1};
    for (size_t i = 0; i < 6; i++) {
        ck_assert_int_eq(as_measure(play.reports[i])->out.action.conflict, conflicts[i]);
        ck_assert_int_eq(as_measure(play.reports[i])->out.action.replaced, i == 4);
        ck_assert_int_eq(as_measure(play.reports[i])->out.action.action, ACTION_CONTINUE);
    }
    finish(&play);
}
END_TEST

START_TEST(prepared_serving_waits_so_long_and_stops_later)
{
    struct play play;

    begin(&play, "prepared");
    measure(&play, 1, 50);
    ck_assert_int_eq(world_advance(&play.world, TIMEOUT_MS - 1, NULL), 0);
    ck_assert_uint_eq(play.n_reports, 0);
    ck_assert_int_eq(world_advance(&play.world, TIMEOUT_MS, NULL), 0);
    ck_assert_uint_eq(play.n_reports, 1);
    ck_assert_int_eq(as_measure(play.reports[0])->out.action.action, ACTION_CONTINUE);
    ck_assert_int_eq(as_measure(play.reports[0])->out.action.until, 9);
    ck_assert_int_eq(world_run_jobs(&play.world, NULL), 0);
    ck_assert_uint_eq(play.n_reports, 1);
    ck_assert_int_eq(world_do(&play.world, world_heartbeat(play.lease), NULL), 0);
    measure(&play, 2, 40);
    ck_assert_int_eq(as_measure(play.reports[1])->out.action.action, ACTION_STOP);
    finish(&play);
}
END_TEST

/* The job was quicker than the model: it is judged at the level where it is now. */
START_TEST(a_later_level_takes_the_place)
{
    struct play play;

    begin(&play, "exact");
    measure(&play, 1, 50);
    measure(&play, 2, 40);
    ck_assert_uint_eq(play.n_reports, 0);
    ck_assert_int_eq(world_run_jobs(&play.world, NULL), 0);
    ck_assert_uint_eq(play.n_reports, 2);
    ck_assert_int_eq(as_measure(play.reports[0])->out.action.action, ACTION_STOP);
    ck_assert_int_eq(as_measure(play.reports[1])->out.action.action, ACTION_STOP);
    finish(&play);
}
END_TEST

START_TEST(a_report_sent_twice_waits_twice)
{
    struct play play;

    begin(&play, "exact");
    measure(&play, 1, 0.2);
    measure(&play, 1, 0.2);
    ck_assert_uint_eq(play.n_reports, 0);
    ck_assert_int_eq(world_run_jobs(&play.world, NULL), 0);
    ck_assert_uint_eq(play.n_reports, 2);
    ck_assert_int_eq(as_measure(play.reports[0])->out.action.duplicate, 0);
    ck_assert_int_eq(as_measure(play.reports[1])->out.action.duplicate, 1);
    ck_assert_int_eq(as_measure(play.reports[1])->out.action.action,
                     as_measure(play.reports[0])->out.action.action);
    finish(&play);
}
END_TEST

START_TEST(a_cancelled_trial_gets_abort)
{
    struct play play;

    begin(&play, "exact");
    measure(&play, 1, 50);
    ck_assert_int_eq(world_do(&play.world, world_cancel_trial("s", 4), NULL), 0);
    ck_assert_uint_eq(play.n_reports, 1);
    ck_assert_int_eq(as_measure(play.reports[0])->out.action.action, ACTION_ABORT);
    ck_assert_int_eq(world_run_jobs(&play.world, NULL), 0); /* no trial is left to be forecast */
    finish(&play);
}
END_TEST

START_TEST(a_deleted_study_leaves_no_report_waiting)
{
    struct play play;

    begin(&play, "exact");
    measure(&play, 1, 50);
    ck_assert_int_eq(world_do(&play.world, world_delete_study("s", true), NULL), 0);
    ck_assert_uint_eq(play.n_reports, 1);
    ck_assert_int_eq(play.reports[0]->err.code, ERR_NONE);
    ck_assert_int_ne(as_measure(play.reports[0])->out.action.action, ACTION_CONTINUE);
    ck_assert_int_eq(world_run_jobs(&play.world, NULL), 0);
    finish(&play);
}
END_TEST

START_TEST(a_result_decides_before_the_forecast)
{
    struct play play;

    begin(&play, "exact");
    measure(&play, 1, 50);
    ck_assert_int_eq(world_do(&play.world,
                              world_result(play.lease, "{\"outcome\": \"completed\", \"step\": 9, "
                                                       "\"metrics\": {\"loss\": 0.3}}"),
                              NULL),
                     0);
    ck_assert_uint_eq(play.n_reports, 1);
    ck_assert_int_eq(world_run_jobs(&play.world, NULL), 0);
    finish(&play);
}
END_TEST

/* A group that cannot be kept: its reports say so, those of earlier groups go on waiting. */
START_TEST(a_lost_group_fails_its_own_reports)
{
    struct play play;
    const struct err why = {.code = ERR_STORAGE_FULL};

    begin(&play, "exact");
    measure(&play, 1, 50);
    store_group_begin(play.world.store);
    ck_assert_int_eq(tuning_apply(play.world.tuning, report(&play, 2, 40), NULL), 0);
    ck_assert_int_eq(tuning_settle(play.world.tuning, NULL), 0);
    store_group_rollback(play.world.store);
    tuning_fail_group(play.world.tuning, &why);
    ck_assert_int_eq(tuning_load(play.world.tuning, NULL), 0);
    ck_assert_int_eq(world_group(&play.world, NULL, 0, NULL), 0);
    ck_assert_uint_eq(play.n_reports, 1);
    ck_assert_int_eq(play.reports[0]->err.code, ERR_STORAGE_FULL);
    ck_assert_int_eq(world_run_jobs(&play.world, NULL), 0);
    ck_assert_uint_eq(play.n_reports, 2);
    ck_assert_int_eq(play.reports[1]->err.code, ERR_NONE);
    ck_assert_int_eq(as_measure(play.reports[1])->out.action.action, ACTION_STOP);
    finish(&play);
}
END_TEST

START_TEST(a_restart_asks_again)
{
    struct play play;

    begin(&play, "exact");
    measure(&play, 1, 50);
    ck_assert_int_eq(world_restart(&play.world, NULL), 0);
    ck_assert_int_eq(world_group(&play.world, NULL, 0, NULL), 0);
    ck_assert_int_eq(world_run_jobs(&play.world, NULL), 0);
    measure(&play, 1, 50); /* the client got no answer and sends it again */
    ck_assert_uint_eq(play.n_reports, 1);
    ck_assert_int_eq(as_measure(play.reports[0])->out.action.action, ACTION_STOP);
    ck_assert_int_eq(as_measure(play.reports[0])->out.action.duplicate, 1);
    finish(&play);
}
END_TEST

START_TEST(an_orderly_stop_answers_everyone)
{
    struct play play;

    begin(&play, "exact");
    measure(&play, 1, 50);
    tuning_stop_granting(play.world.tuning);
    ck_assert_int_eq(world_group(&play.world, NULL, 0, NULL), 0);
    ck_assert_uint_eq(play.n_reports, 1);
    ck_assert_int_eq(as_measure(play.reports[0])->out.action.action, ACTION_CONTINUE);
    finish(&play);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("waiting reports");
    TCase *tcase = tcase_create("waiting reports");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tcase, exact_serving_waits_for_the_forecast);
    tcase_add_test(tcase, requested_forecast_is_made_from_the_replaced_value);
    tcase_add_test(tcase, value_stays_once_a_forecast_has_used_it);
    tcase_add_test(tcase, prepared_serving_waits_so_long_and_stops_later);
    tcase_add_test(tcase, a_later_level_takes_the_place);
    tcase_add_test(tcase, a_report_sent_twice_waits_twice);
    tcase_add_test(tcase, a_cancelled_trial_gets_abort);
    tcase_add_test(tcase, a_deleted_study_leaves_no_report_waiting);
    tcase_add_test(tcase, a_result_decides_before_the_forecast);
    tcase_add_test(tcase, a_lost_group_fails_its_own_reports);
    tcase_add_test(tcase, a_restart_asks_again);
    tcase_add_test(tcase, an_orderly_stop_answers_everyone);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

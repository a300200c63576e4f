/* Reports that wait for the model's forecast (asha, predictive): which ones, how long, for what. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/suggester/suggester.h"
#include "tests/sim/world_fixture.h"
#include "tests/support/run_suite.h"

#define TIMEOUT_MS 2000

/* What measurements were answered, oldest first. */
static struct {
    enum err_code code;
    struct action_reply told;
} reports[8];
static size_t n_reports;

static void note(const struct command *answer)
{
    if (answer->kind == COMMAND_MEASURE) {
        ck_assert_uint_lt(n_reports, 8);
        reports[n_reports].code = answer->err.code;
        reports[n_reports++].told = as_const_measure(answer)->out.action;
    }
}

static void restart(void)
{
    struct err err = {0};

    must(world_restart(&f.world, &err), &err);
}

static void run_jobs(void)
{
    struct err err = {0};

    must(world_run_jobs(&f.world, &err), &err);
}

static void advance(int64_t now_ms)
{
    struct err err = {0};

    must(world_advance(&f.world, now_ms, &err), &err);
}

/* Three trials are complete, so that the model forecasts; a fourth is leased and trains. */
static void begin_to(const char *serving, int eta, int max)
{
    char body[512];

    n_reports = 0;
    fixture_open();
    f.note = note;
    f.world.suggestion_timeout_ms = TIMEOUT_MS;
    restart();
    (void)snprintf(
        body, sizeof body,
        "{\"name\": \"s\", \"metric\": \"loss\", \"direction\": \"minimize\", \"seed\": 1,"
        "\"strategy\": {\"name\": \"asha\", \"mode\": \"predictive\", \"search\": "
        "\"random\", \"serving\": \"%s\", \"eta\": %d}, \"resource\": {\"name\": \"epochs\", "
        "\"min\": "
        "1, \"max\": %d}, \"lease\": {\"ttl_seconds\": 3600}, \"parameters\": [{\"name\": "
        "\"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}]}",
        serving, eta, max);
    perform(world_create_study(body));
    for (int i = 0; i < 4; i++) {
        perform(world_ask("s", "{}"));
        if (i < 3) {
            (void)snprintf(body, sizeof body,
                           "{\"outcome\": \"completed\", \"metrics\": {\"loss\": 0.1%d}}", i);
            perform(world_result(f.lease, body));
        }
    }
    f.world.holds_jobs = true;
}

static void begin(const char *serving)
{
    begin_to(serving, 3, 9);
}

static struct command *report(int step, double loss)
{
    char body[128];

    (void)snprintf(body, sizeof body,
                   "{\"measurements\": [{\"step\": %d, \"metrics\": {\"loss\": %g}}]}", step, loss);
    return world_measure(f.lease, body);
}

static void measure(int step, double loss)
{
    perform(report(step, loss));
}

static void correct(int step, double loss)
{
    struct command *command = report(step, loss);

    as_measure(command)->in.measurements.replace = true;
    perform(command);
}

START_TEST(exact_serving_waits_for_the_forecast)
{
    begin("exact");
    measure(1, 50);
    advance(100 * TIMEOUT_MS);
    ck_assert_uint_eq(n_reports, 0);
    run_jobs();
    ck_assert_uint_eq(n_reports, 1);
    ck_assert_int_eq(reports[0].told.action, ACTION_STOP);
    fixture_close();
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
static void begin_forecast_at_27(void)
{
    begin_to("exact", 9, 81);
    f.world.holds_jobs = false;
    measure(9, 0.05);
    measure(16, 0.04);
    f.world.holds_jobs = true;
    measure(27, 0.03);
    ck_assert_uint_eq(n_reports, 2); /* the third one waits */
}

START_TEST(requested_forecast_is_made_from_the_replaced_value)
{
    struct suggestion_job *job;
    struct suggestion_job *last = NULL;

    begin_forecast_at_27();
    correct(16, 0.5);
    while ((job = tuning_take_job(f.world.tuning)) != NULL) {
        suggestion_job_destroy(last);
        last = job;
    }
    ck_assert_int_eq(last->level, 27);
    ck_assert_double_eq(forecast_sees(last, 16), 0.5);
    suggestion_job_destroy(last);
    fixture_close();
}
END_TEST

START_TEST(value_stays_once_a_forecast_has_used_it)
{
    begin_forecast_at_27();
    correct(9, 0.5); /* the value at a level */
    correct(16, 0.045);
    run_jobs();
    correct(16, 0.5);
    ck_assert_uint_eq(n_reports, 6);
    const int64_t conflicts[] = {0, 0, 0, 1, 0, 1};
    for (size_t i = 0; i < 6; i++) {
        ck_assert_int_eq(reports[i].told.conflict, conflicts[i]);
        ck_assert_int_eq(reports[i].told.replaced, i == 4);
        ck_assert_int_eq(reports[i].told.action, ACTION_CONTINUE);
    }
    fixture_close();
}
END_TEST

START_TEST(prepared_serving_waits_so_long_and_stops_later)
{
    begin("prepared");
    measure(1, 50);
    advance(TIMEOUT_MS - 1);
    ck_assert_uint_eq(n_reports, 0);
    advance(TIMEOUT_MS);
    ck_assert_uint_eq(n_reports, 1);
    ck_assert_int_eq(reports[0].told.action, ACTION_CONTINUE);
    ck_assert_int_eq(reports[0].told.until, 9);
    run_jobs();
    ck_assert_uint_eq(n_reports, 1);
    perform(world_heartbeat(f.lease));
    measure(2, 40);
    ck_assert_int_eq(reports[1].told.action, ACTION_STOP);
    fixture_close();
}
END_TEST

/* The job was quicker than the model: it is judged at the level where it is now. */
START_TEST(a_later_level_takes_the_place)
{
    begin("exact");
    measure(1, 50);
    measure(2, 40);
    ck_assert_uint_eq(n_reports, 0);
    run_jobs();
    ck_assert_uint_eq(n_reports, 2);
    ck_assert_int_eq(reports[0].told.action, ACTION_STOP);
    ck_assert_int_eq(reports[1].told.action, ACTION_STOP);
    fixture_close();
}
END_TEST

START_TEST(a_report_sent_twice_waits_twice)
{
    begin("exact");
    measure(1, 0.2);
    measure(1, 0.2);
    ck_assert_uint_eq(n_reports, 0);
    run_jobs();
    ck_assert_uint_eq(n_reports, 2);
    ck_assert_int_eq(reports[0].told.duplicate, 0);
    ck_assert_int_eq(reports[1].told.duplicate, 1);
    ck_assert_int_eq(reports[1].told.action, reports[0].told.action);
    fixture_close();
}
END_TEST

START_TEST(a_cancelled_trial_gets_abort)
{
    begin("exact");
    measure(1, 50);
    perform(world_cancel_trial("s", 4));
    ck_assert_uint_eq(n_reports, 1);
    ck_assert_int_eq(reports[0].told.action, ACTION_ABORT);
    run_jobs(); /* no trial is left to be forecast */
    fixture_close();
}
END_TEST

START_TEST(a_deleted_study_leaves_no_report_waiting)
{
    begin("exact");
    measure(1, 50);
    perform(world_delete_study("s", true));
    ck_assert_uint_eq(n_reports, 1);
    ck_assert_int_eq(reports[0].code, ERR_NONE);
    ck_assert_int_ne(reports[0].told.action, ACTION_CONTINUE);
    run_jobs();
    fixture_close();
}
END_TEST

START_TEST(a_result_decides_before_the_forecast)
{
    begin("exact");
    measure(1, 50);
    perform(world_result(f.lease, "{\"outcome\": \"completed\", \"step\": 9, "
                                  "\"metrics\": {\"loss\": 0.3}}"));
    ck_assert_uint_eq(n_reports, 1);
    run_jobs();
    fixture_close();
}
END_TEST

/* A group that cannot be kept: its reports say so, those of earlier groups go on waiting. */
START_TEST(a_lost_group_fails_its_own_reports)
{
    const struct err why = {.code = ERR_STORAGE_FULL};

    begin("exact");
    f.may_be_refused = true;
    measure(1, 50);
    store_group_begin(f.world.store);
    ck_assert_int_eq(tuning_apply(f.world.tuning, report(2, 40), NULL), 0);
    ck_assert_int_eq(tuning_settle(f.world.tuning, NULL), 0);
    store_group_rollback(f.world.store);
    tuning_fail_group(f.world.tuning, &why);
    ck_assert_int_eq(tuning_load(f.world.tuning, NULL), 0);
    perform(NULL);
    ck_assert_uint_eq(n_reports, 1);
    ck_assert_int_eq(reports[0].code, ERR_STORAGE_FULL);
    run_jobs();
    ck_assert_uint_eq(n_reports, 2);
    ck_assert_int_eq(reports[1].code, ERR_NONE);
    ck_assert_int_eq(reports[1].told.action, ACTION_STOP);
    fixture_close();
}
END_TEST

START_TEST(a_restart_asks_again)
{
    begin("exact");
    measure(1, 50);
    restart();
    perform(NULL);
    run_jobs();
    measure(1, 50); /* the client got no answer and sends it again */
    ck_assert_uint_eq(n_reports, 1);
    ck_assert_int_eq(reports[0].told.action, ACTION_STOP);
    ck_assert_int_eq(reports[0].told.duplicate, 1);
    fixture_close();
}
END_TEST

START_TEST(an_orderly_stop_answers_everyone)
{
    begin("exact");
    measure(1, 50);
    tuning_stop_granting(f.world.tuning);
    perform(NULL);
    ck_assert_uint_eq(n_reports, 1);
    ck_assert_int_eq(reports[0].told.action, ACTION_CONTINUE);
    fixture_close();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("waiting reports");
    TCase *tcase = tcase_create("waiting reports");

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
    return run_suite(suite);
}

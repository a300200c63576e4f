#include "worker/agent/supervisor.h"

#include <check.h>

#include "tests/support/run_suite.h"

static struct supervisor supervisor;

static void start(int64_t timeout_ms, int64_t stall_ms)
{
    supervisor = (struct supervisor){.leave_ms = 5000, .grace_ms = 30000};
    supervisor_start(&supervisor, 1000, timeout_ms, stall_ms);
}

START_TEST(notified_job_has_five_seconds_then_thirty)
{
    start(0, 0);
    ck_assert_int_eq(supervisor_deadline(&supervisor), INT64_MAX);
    ck_assert_int_eq(supervisor_step(&supervisor, JOB_NOTIFIED, 2000), ACT_NOTHING);
    ck_assert_int_eq(supervisor_deadline(&supervisor), 7000);
    ck_assert_int_eq(supervisor_tick(&supervisor, 6999), ACT_NOTHING);
    ck_assert_int_eq(supervisor_tick(&supervisor, 7000), ACT_TERMINATE);
    ck_assert_int_eq(supervisor_deadline(&supervisor), 37000);
    ck_assert_int_eq(supervisor_tick(&supervisor, 36999), ACT_NOTHING);
    ck_assert_int_eq(supervisor_tick(&supervisor, 37000), ACT_KILL);
    ck_assert_int_eq(supervisor_tick(&supervisor, 99000), ACT_NOTHING);
    ck_assert_int_eq(supervisor_step(&supervisor, JOB_EXITED, 99001), ACT_NOTHING);
    ck_assert_int_eq(supervisor.state, JOB_GONE);
    ck_assert_int_eq(supervisor.why, JOB_NOTIFIED);
}
END_TEST

START_TEST(notified_again_gains_no_time)
{
    start(0, 0);
    (void)supervisor_step(&supervisor, JOB_NOTIFIED, 2000);
    (void)supervisor_step(&supervisor, JOB_NOTIFIED, 4000);
    ck_assert_int_eq(supervisor_deadline(&supervisor), 7000);
}
END_TEST

static const enum job_event at_once[] = {JOB_ABORTED, JOB_LOST, JOB_TIMED_OUT, JOB_STALLED,
                                         JOB_DRAINED};

START_TEST(some_events_terminate_at_once)
{
    start(0, 0);
    ck_assert_int_eq(supervisor_step(&supervisor, at_once[_i], 2000), ACT_TERMINATE);
    ck_assert_int_eq(supervisor_step(&supervisor, at_once[_i], 3000), ACT_NOTHING);
    ck_assert_int_eq(supervisor_deadline(&supervisor), 32000);
    ck_assert_int_eq(supervisor.why, at_once[_i]);
}
END_TEST

START_TEST(quitting_kills_whatever_went_before)
{
    start(0, 0);
    ck_assert_int_eq(supervisor_step(&supervisor, JOB_QUIT, 1), ACT_KILL);
    start(0, 0);
    (void)supervisor_step(&supervisor, JOB_DRAINED, 1);
    ck_assert_int_eq(supervisor_step(&supervisor, JOB_QUIT, 2), ACT_KILL);
    ck_assert_int_eq(supervisor_step(&supervisor, JOB_QUIT, 3), ACT_NOTHING);
}
END_TEST

START_TEST(limits_count_from_start_and_last_measurement)
{
    start(10000, 3000);
    ck_assert_int_eq(supervisor_deadline(&supervisor), 4000);
    supervisor_measured(&supervisor, 3500);
    ck_assert_int_eq(supervisor_tick(&supervisor, 4000), ACT_NOTHING);
    ck_assert_int_eq(supervisor_deadline(&supervisor), 6500);
    ck_assert_int_eq(supervisor_tick(&supervisor, 6500), ACT_TERMINATE);
    ck_assert_int_eq(supervisor.why, JOB_STALLED);
    start(10000, 0);
    ck_assert_int_eq(supervisor_tick(&supervisor, 11000), ACT_TERMINATE);
    ck_assert_int_eq(supervisor.why, JOB_TIMED_OUT);
}
END_TEST

START_TEST(who_lost_the_trial_sends_nothing_whatever_was_said_before)
{
    start(0, 0);
    (void)supervisor_step(&supervisor, JOB_NOTIFIED, 1);
    (void)supervisor_step(&supervisor, JOB_LOST, 2);
    ck_assert_int_eq(supervisor.why, JOB_LOST);
    start(0, 0);
    (void)supervisor_step(&supervisor, JOB_TIMED_OUT, 1);
    (void)supervisor_step(&supervisor, JOB_DRAINED, 2);
    ck_assert_int_eq(supervisor.why, JOB_TIMED_OUT);
}
END_TEST

START_TEST(a_job_that_is_gone_is_sent_nothing)
{
    start(10, 10);
    (void)supervisor_step(&supervisor, JOB_EXITED, 2);
    for (int event = 0; event < JOB_EVENT_COUNT; event++) {
        ck_assert_int_eq(supervisor_step(&supervisor, (enum job_event)event, 3), ACT_NOTHING);
        ck_assert_int_eq(supervisor.state, JOB_GONE);
    }
    ck_assert_int_eq(supervisor.why, JOB_EXITED);
    ck_assert_int_eq(supervisor_tick(&supervisor, 99999), ACT_NOTHING);
    ck_assert_int_eq(supervisor_deadline(&supervisor), INT64_MAX);
}
END_TEST

/* Whatever happens in whatever order, each state has a way on until the job is gone. */
START_TEST(every_path_ends)
{
    for (int first = 0; first < JOB_EVENT_COUNT; first++) {
        for (int second = 0; second < JOB_EVENT_COUNT; second++) {
            int64_t now_ms = 1000;
            start(60000, 0);
            (void)supervisor_step(&supervisor, (enum job_event)first, now_ms);
            (void)supervisor_step(&supervisor, (enum job_event)second, now_ms);
            while (supervisor_deadline(&supervisor) != INT64_MAX) {
                now_ms = supervisor_deadline(&supervisor);
                (void)supervisor_tick(&supervisor, now_ms);
            }
            ck_assert(supervisor.state == JOB_KILLING || supervisor.state == JOB_GONE);
            ck_assert_int_le(now_ms, 1000 + 60000 + 30000 + 5000);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("supervisor");
    TCase *tcase = tcase_create("supervisor");

    tcase_add_test(tcase, notified_job_has_five_seconds_then_thirty);
    tcase_add_test(tcase, notified_again_gains_no_time);
    tcase_add_loop_test(tcase, some_events_terminate_at_once, 0,
                        (int)(sizeof at_once / sizeof at_once[0]));
    tcase_add_test(tcase, quitting_kills_whatever_went_before);
    tcase_add_test(tcase, limits_count_from_start_and_last_measurement);
    tcase_add_test(tcase, who_lost_the_trial_sends_nothing_whatever_was_said_before);
    tcase_add_test(tcase, a_job_that_is_gone_is_sent_nothing);
    tcase_add_test(tcase, every_path_ends);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

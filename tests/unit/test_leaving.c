/* When a worker leaves: requests, limits and the deadline of a batch job. */
#include "worker/agent/leaving.h"

#include <check.h>
#include <string.h>

#include "common/buf.h"
#include "tests/support/run_suite.h"
#include "worker/agent/batch_deadline.h"

static struct leaving leaving;

static void start(void)
{
    leaving = (struct leaving){.deadline_ms = INT64_MAX,
                               .grace_ms = 30000,
                               .started_ms = 1000,
                               .idle_since_ms = INT64_MAX};
}

static enum leaving_act act_at(int64_t now_ms)
{
    (void)leaving_decide(&leaving, now_ms);
    return leaving.act;
}

/* ---- requests ---- */

#define REQUESTS_MAX 4
static const struct {
    int requests[REQUESTS_MAX]; /* ends with -1 */
    enum leaving_act act;
} requests[] = {
    {{-1}, LEAVING_STAY},
    {{LEAVING_INTERRUPTED, -1}, LEAVING_FINISH},
    {{LEAVING_INTERRUPTED, LEAVING_INTERRUPTED, -1}, LEAVING_STOP},
    {{LEAVING_INTERRUPTED, LEAVING_INTERRUPTED, LEAVING_INTERRUPTED, -1}, LEAVING_KILL},
    {{LEAVING_TOLD, -1}, LEAVING_STOP},
    /* a batch system signals several times */
    {{LEAVING_TOLD, LEAVING_TOLD, LEAVING_TOLD, -1}, LEAVING_STOP},
    {{LEAVING_INTERRUPTED, LEAVING_TOLD, -1}, LEAVING_STOP},
    {{LEAVING_TOLD, LEAVING_INTERRUPTED, -1}, LEAVING_KILL},
    {{LEAVING_TOLD_AGAIN, -1}, LEAVING_STOP},
    {{LEAVING_TOLD_AGAIN, LEAVING_TOLD_AGAIN, -1}, LEAVING_KILL},
    {{LEAVING_QUIT, -1}, LEAVING_KILL},
    {{LEAVING_QUIT, LEAVING_TOLD, -1}, LEAVING_KILL},
};

START_TEST(requests_lead_one_way)
{
    start();
    for (size_t i = 0; i < REQUESTS_MAX && requests[_i].requests[i] >= 0; i++) {
        leaving_request(&leaving, (enum leaving_request)requests[_i].requests[i]);
        (void)act_at(2000);
    }
    ck_assert_int_eq(act_at(2000), requests[_i].act);
}
END_TEST

START_TEST(a_change_is_said_once)
{
    start();
    ck_assert_ptr_null(leaving_decide(&leaving, 2000));
    leaving_request(&leaving, LEAVING_TOLD);
    ck_assert_ptr_nonnull(leaving_decide(&leaving, 2000));
    ck_assert_ptr_null(leaving_decide(&leaving, 3000));
}
END_TEST

START_TEST(an_interrupt_goes_further_than_what_began_by_itself)
{
    start();
    leaving.is_drained = true;
    ck_assert_int_eq(act_at(2000), LEAVING_FINISH);
    leaving_request(&leaving, LEAVING_INTERRUPTED);
    ck_assert_int_eq(act_at(2000), LEAVING_STOP);
}
END_TEST

/* ---- limits ---- */

START_TEST(uptime_lets_what_runs_end)
{
    start();
    leaving.uptime_ms = 60000;
    ck_assert_int_eq(leaving_deadline(&leaving), 61000);
    ck_assert_int_eq(act_at(60999), LEAVING_STAY);
    ck_assert_int_eq(act_at(61000), LEAVING_FINISH);
    ck_assert_int_eq(leaving_deadline(&leaving), INT64_MAX);
}
END_TEST

START_TEST(idle_time_counts_while_nothing_runs)
{
    start();
    leaving.idle_ms = 5000;
    ck_assert_int_eq(leaving_deadline(&leaving), INT64_MAX);
    ck_assert_int_eq(act_at(90000), LEAVING_STAY);
    leaving.idle_since_ms = 90000;
    ck_assert_int_eq(leaving_deadline(&leaving), 95000);
    ck_assert_int_eq(act_at(94999), LEAVING_STAY);
    leaving.idle_since_ms = INT64_MAX; /* a trial came */
    ck_assert_int_eq(act_at(99000), LEAVING_STAY);
    leaving.idle_since_ms = 99000;
    ck_assert_int_eq(act_at(104000), LEAVING_FINISH);
}
END_TEST

START_TEST(a_drained_node_is_left_or_not)
{
    start();
    leaving.is_drained = true;
    leaving.stays_when_drained = true;
    ck_assert_int_eq(act_at(2000), LEAVING_STAY);
    leaving.stays_when_drained = false;
    ck_assert_int_eq(act_at(2000), LEAVING_FINISH);
}
END_TEST

/* ---- the deadline ---- */

START_TEST(jobs_are_stopped_in_time_for_the_deadline)
{
    start();
    leaving.deadline_ms = 100000;
    ck_assert_int_eq(leaving_left_ms(&leaving, 5000), 60000);
    ck_assert_int_eq(leaving_deadline(&leaving), 65000);
    ck_assert_int_eq(act_at(64999), LEAVING_STAY);
    ck_assert_int_eq(leaving_grace_ms(&leaving, 65000), 30000);
    ck_assert_int_eq(act_at(65000), LEAVING_STOP);
    ck_assert_int_eq(leaving_left_ms(&leaving, 65001), 0);
    ck_assert_int_eq(leaving_deadline(&leaving), INT64_MAX);
}
END_TEST

START_TEST(grace_is_what_the_deadline_leaves_of_it)
{
    start();
    ck_assert_int_eq(leaving_grace_ms(&leaving, 5000), 30000);
    ck_assert_int_eq(leaving_left_ms(&leaving, 5000), INT64_MAX);
    leaving.deadline_ms = 100000;
    ck_assert_int_eq(leaving_grace_ms(&leaving, 10000), 30000);
    ck_assert_int_eq(leaving_grace_ms(&leaving, 85000), 10000);
    ck_assert_int_eq(leaving_grace_ms(&leaving, 95000), 0);
    ck_assert_int_eq(leaving_grace_ms(&leaving, 200000), 0);
}
END_TEST

START_TEST(where_nothing_fits_it_leaves_as_at_the_deadline)
{
    start();
    leaving.deadline_ms = 100000;
    leaving.nothing_fits = true;
    ck_assert_int_eq(act_at(2000), LEAVING_STOP);
}
END_TEST

/* ---- what Slurm says ---- */

static const struct {
    const char *text;
    int64_t seconds; /* -1: none */
} times[] = {
    {"0:00", 0},
    {"0:59", 59},
    {"12:34", 754},
    {"1:02:03", 3723},
    {"2-00:00:01", 172801},
    {"365-23:59:59", 31622399},
    {"UNLIMITED", -1},
    {"NOT_SET", -1},
    {"INVALID", -1},
    {"", -1},
    {"5", -1},
    {"1:", -1},
    {":1", -1},
    {"1-", -1},
    {"-1:00", -1},
    {"1:2:3:4", -1},
    {"1:00 ", -1},
    {"9999999999:00", -1},
};

START_TEST(times_are_read_as_squeue_prints_them)
{
    int64_t seconds = -1;
    bool found = batch_time_read(times[_i].text, &seconds);

    ck_assert_msg(found == (times[_i].seconds >= 0), "\"%s\"", times[_i].text);
    ck_assert(!found || seconds == times[_i].seconds);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("leaving");
    TCase *tcase = tcase_create("leaving");

    tcase_add_loop_test(tcase, requests_lead_one_way, 0,
                        (int)(sizeof requests / sizeof requests[0]));
    tcase_add_test(tcase, a_change_is_said_once);
    tcase_add_test(tcase, an_interrupt_goes_further_than_what_began_by_itself);
    tcase_add_test(tcase, uptime_lets_what_runs_end);
    tcase_add_test(tcase, idle_time_counts_while_nothing_runs);
    tcase_add_test(tcase, a_drained_node_is_left_or_not);
    tcase_add_test(tcase, jobs_are_stopped_in_time_for_the_deadline);
    tcase_add_test(tcase, grace_is_what_the_deadline_leaves_of_it);
    tcase_add_test(tcase, where_nothing_fits_it_leaves_as_at_the_deadline);
    tcase_add_loop_test(tcase, times_are_read_as_squeue_prints_them, 0,
                        (int)(sizeof times / sizeof times[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

/* Which time is kept, wasted and saved, from attempts made here. */
#include <check.h>
#include <math.h>

#include "server/analysis/ledger.h"
#include "server/analysis/spending.h"
#include "server/store/spans.h"
#include "tests/support/run_suite.h"

#define NOW_MS 1000000
#define FAR 1e-9

/* An attempt of `seconds` that trained from `from` to `step`. */
static struct span_row attempt(int64_t trial, enum trial_state state, enum attempt_end end,
                               int64_t from, int64_t step, int64_t start_s, int64_t seconds)
{
    return (struct span_row){.trial = trial_id(1, trial),
                             .number = 1,
                             .end = end,
                             .from = from,
                             .step = step,
                             .started_at_ms = start_s * 1000,
                             .ended_at_ms = end == ATTEMPT_LIVE ? 0 : (start_s + seconds) * 1000,
                             .trial_state = state};
}

static struct ledger sum(const struct study_def *def, int64_t best_at_ms,
                         const struct span_row rows[], size_t n)
{
    struct ledger ledger;

    ledger_init(&ledger, def, NOW_MS, best_at_ms);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(ledger_add(&ledger, &rows[i], NULL), 0);
    }
    ledger_finish(&ledger);
    return ledger;
}

static const struct study_def epochs = {.has_resource = true, .resource_min = 1, .resource_max = 9};

static const struct {
    enum attempt_end end;
    bool has_checkpoint;
    enum { KEPT, WASTED, RUNNING } part;
} ends[] = {
    {ATTEMPT_LIVE, false, RUNNING},     {ATTEMPT_COMPLETED, false, KEPT},
    {ATTEMPT_PRUNED, false, KEPT},      {ATTEMPT_PAUSED, false, KEPT},
    {ATTEMPT_INFEASIBLE, false, KEPT},  {ATTEMPT_PREEMPTED, false, WASTED},
    {ATTEMPT_PREEMPTED, true, KEPT},    {ATTEMPT_RELEASED, false, WASTED},
    {ATTEMPT_RELEASED, true, KEPT},     {ATTEMPT_LOST, true, WASTED},
    {ATTEMPT_SUPERSEDED, true, WASTED}, {ATTEMPT_CANCELLED, true, WASTED},
    {ATTEMPT_FAILED, true, WASTED},
};

START_TEST(each_end_has_its_part)
{
    struct span_row row = attempt(1, TRIAL_RUNNING, ends[_i].end, 0, 3, 900, 100);

    row.has_checkpoint = ends[_i].has_checkpoint;
    struct ledger ledger = sum(&epochs, 0, &row, 1);
    ck_assert_double_eq_tol(ledger.kept, ends[_i].part == KEPT ? 100 : 0, FAR);
    ck_assert_double_eq_tol(ledger.wasted, ends[_i].part == WASTED ? 100 : 0, FAR);
    ck_assert_double_eq_tol(ledger.running, ends[_i].part == RUNNING ? 100 : 0, FAR);
    ck_assert_double_eq_tol(ledger.by_end[ends[_i].end], 100, FAR);
}
END_TEST

START_TEST(stopping_saves_what_was_left_at_the_pace_of_the_trial)
{
    const struct span_row rows[] = {
        attempt(1, TRIAL_PRUNED, ATTEMPT_PAUSED, 0, 1, 0, 10),  /* 10 s a step */
        attempt(1, TRIAL_PRUNED, ATTEMPT_LOST, 1, 2, 10, 1000), /* no pace of ours */
        attempt(1, TRIAL_PRUNED, ATTEMPT_PRUNED, 1, 3, 20, 50), /* 60 s for 3 steps in all */
        attempt(2, TRIAL_PRUNED, ATTEMPT_PRUNED, 0, 9, 0, 90),  /* nothing was left */
        attempt(3, TRIAL_COMPLETED, ATTEMPT_COMPLETED, 0, 3, 0, 30),
        attempt(4, TRIAL_PRUNED, ATTEMPT_LOST, 0, 2, 0, 5), /* its pace is not known */
        attempt(5, TRIAL_FAILED, ATTEMPT_PAUSED, 0, 3, 0, 3),
        attempt(6, TRIAL_PRUNED, ATTEMPT_PRUNED, 0, 8, 0, 16),
    };
    struct ledger ledger = sum(&epochs, 0, rows, sizeof rows / sizeof rows[0]);

    ck_assert_double_eq_tol(ledger.saved, 6 * 20 + 1 * 2, FAR);
    ck_assert_double_eq_tol(ledger.kept, 10 + 50 + 90 + 30 + 3 + 16, FAR);
    ck_assert_double_eq_tol(ledger.wasted, 1005, FAR);
}
END_TEST

START_TEST(without_a_resource_nothing_is_saved)
{
    const struct study_def def = {.has_resource = false};
    struct span_row row = attempt(1, TRIAL_PRUNED, ATTEMPT_PRUNED, 0, 3, 0, 30);

    ck_assert_double_eq_tol(sum(&def, 0, &row, 1).saved, 0, FAR);
}
END_TEST

START_TEST(the_best_is_found_after_a_share_of_all_time)
{
    const struct span_row rows[] = {
        attempt(1, TRIAL_COMPLETED, ATTEMPT_COMPLETED, 0, 9, 0, 100),  /* the best */
        attempt(2, TRIAL_COMPLETED, ATTEMPT_COMPLETED, 0, 9, 50, 100), /* half of it before */
        attempt(3, TRIAL_RUNNING, ATTEMPT_LIVE, 0, 0, 800, 0),         /* 200 s by now */
        attempt(4, TRIAL_FAILED, ATTEMPT_FAILED, 0, 0, 900, 100),
    };
    struct ledger ledger = sum(&epochs, 100000, rows, 4);

    ck_assert_double_eq_tol(ledger_best_after_share(&ledger), 150.0 / 500, FAR);
    ck_assert(isnan(ledger_best_after_share(&(struct ledger){.best_at_ms = 1})));
    ledger = sum(&epochs, 0, rows, 4);
    ck_assert(isnan(ledger_best_after_share(&ledger)));
}
END_TEST

START_TEST(a_clock_that_was_set_back_takes_no_time_away)
{
    struct span_row row = attempt(1, TRIAL_COMPLETED, ATTEMPT_COMPLETED, 0, 9, 100, -50);
    struct ledger ledger = sum(&epochs, 0, &row, 1);

    ck_assert_double_eq_tol(ledger.kept, 0, FAR);
}
END_TEST

START_TEST(what_was_spent_by_a_moment)
{
    const struct span_row rows[] = {
        attempt(3, TRIAL_COMPLETED, ATTEMPT_COMPLETED, 3, 9, 0, 100),
        attempt(1, TRIAL_COMPLETED, ATTEMPT_COMPLETED, 0, 9, 50, 10),
        attempt(2, TRIAL_RUNNING, ATTEMPT_LIVE, 0, 4, 0, 0),
        attempt(4, TRIAL_FAILED, ATTEMPT_FAILED, 5, 5, 60, -10), /* the clock was set back */
    };
    OWN(spending) struct spending spending = {0};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(spending_add(&spending, &rows[i], NULL), 0);
    }
    spending_sort(&spending);
    ck_assert_int_eq(spending_until(&spending, 49999).resource, 0);
    ck_assert_int_eq(spending_until(&spending, 60000).resource, 9);
    struct spent spent = spending_until(&spending, 100000);
    ck_assert_int_eq(spent.resource, 15);
    ck_assert_double_eq_tol(spent.seconds, 110, FAR);
    ck_assert_int_eq(spending_until(&spending, INT64_MAX).resource, 15);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ledger");
    TCase *tcase = tcase_create("sums");

    tcase_add_loop_test(tcase, each_end_has_its_part, 0, (int)(sizeof ends / sizeof ends[0]));
    tcase_add_test(tcase, stopping_saves_what_was_left_at_the_pace_of_the_trial);
    tcase_add_test(tcase, without_a_resource_nothing_is_saved);
    tcase_add_test(tcase, the_best_is_found_after_a_share_of_all_time);
    tcase_add_test(tcase, a_clock_that_was_set_back_takes_no_time_away);
    tcase_add_test(tcase, what_was_spent_by_a_moment);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

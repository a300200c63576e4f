/* The one place where trials change their state: a move that does not exist changes nothing. */
#include <check.h>

#include "server/state/studies.h"
#include "server/state/transition.h"
#include "server/state/trials.h"
#include "server/tuning/internal.h"
#include "tests/sim/world_fixture.h"
#include "tests/support/run_suite.h"

static void setup(void)
{
    fixture_open();
    create_study_of_x("s");
    perform(make_ask());
}

static struct live_trial *trial_in(enum trial_state state)
{
    if (state == TRIAL_QUEUED) {
        perform(make_release());
    }
    struct live_study *study = study_named(&f.world.tuning->state, "s");
    struct live_trial *trial = trial_live(&f.world.tuning->state, trial_id(study->row.id, 1));
    ck_assert_int_eq(trial->row.state, state);
    return trial;
}

static const struct {
    enum trial_state from, to;
} impossible[] = {
    {TRIAL_QUEUED, TRIAL_COMPLETED},  {TRIAL_QUEUED, TRIAL_PAUSED},
    {TRIAL_QUEUED, TRIAL_INFEASIBLE}, {TRIAL_QUEUED, TRIAL_QUEUED},
    {TRIAL_RUNNING, TRIAL_RUNNING},
};
#define N_IMPOSSIBLE ((int)(sizeof impossible / sizeof impossible[0]))

START_TEST(refused_move_counts_and_tells_nothing)
{
    struct live_trial *trial = trial_in(impossible[_i].from);
    struct study_row before = trial->study->row;
    int64_t seq = tuning_last_seq(f.world.tuning);
    struct err err = {0};

    store_group_begin(f.world.store);
    ck_assert_int_eq(trial_become(&f.world.tuning->state, trial, impossible[_i].to, "reason", &err),
                     -1);
    ck_assert_int_eq(err.code, ERR_WRONG_STATE);
    ck_assert_int_eq(trial->row.state, impossible[_i].from);
    ck_assert_mem_eq(trial->study->row.counts, before.counts, sizeof before.counts);
    ck_assert_int_eq(trial->study->row.failed_in_row, before.failed_in_row);
    ck_assert_int_eq(tuning_last_seq(f.world.tuning), seq);
    ck_assert_str_eq(trial->row.reason, "");
    store_group_rollback(f.world.store);
}
END_TEST

START_TEST(refused_end_leaves_the_trial_where_it_was)
{
    struct live_trial *trial = trial_in(TRIAL_QUEUED);
    struct live_study *study = trial->study;

    store_group_begin(f.world.store);
    ck_assert_int_eq(trial_end(&f.world.tuning->state, trial, TRIAL_COMPLETED, NULL, NULL, NULL),
                     -1);
    ck_assert_int_eq(study->row.counts[TRIAL_QUEUED], 1);
    ck_assert_int_eq(study->row.counts[TRIAL_COMPLETED], 0);
    ck_assert_ptr_eq(study->retries.first, trial);
    store_group_rollback(f.world.store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transition");
    TCase *tcase = tcase_create("refused");

    tcase_add_checked_fixture(tcase, setup, fixture_close);
    tcase_add_loop_test(tcase, refused_move_counts_and_tells_nothing, 0, N_IMPOSSIBLE);
    tcase_add_test(tcase, refused_end_leaves_the_trial_where_it_was);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

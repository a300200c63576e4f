/* The one place where trials change their state: a move that does not exist changes nothing. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/state/studies.h"
#include "server/state/transition.h"
#include "server/state/trials.h"
#include "server/tuning/internal.h"
#include "tests/sim/world.h"

static struct world world;
static char lease_id[LEASE_ID_BYTES];

static void take(void *context, struct command *command)
{
    (void)context;
    ck_assert_msg(command->err.code == ERR_NONE, "%s", command->err.text);
    if (command->kind == COMMAND_ASK && as_ask(command)->out.granted) {
        memcpy(lease_id, as_ask(command)->out.grant.id, sizeof lease_id);
    }
    command_destroy(command);
}

static void setup(void)
{
    ck_assert_int_eq(world_open(&world, 1, NULL), 0);
    world.answered = take;
    ck_assert_int_eq(world_do(&world,
                              world_create_study("{\"name\": \"s\", \"metric\": \"loss\", "
                                                 "\"direction\": \"minimize\", \"strategy\": "
                                                 "\"random\", \"parameters\": [{\"name\": \"x\", "
                                                 "\"type\": \"float\", \"low\": 0, \"high\": 1}]}"),
                              NULL),
                     0);
    ck_assert_int_eq(world_do(&world, world_ask("s", NULL), NULL), 0);
}

static void teardown(void)
{
    world_finish(&world);
}

static struct live_trial *trial_in(enum trial_state state)
{
    if (state == TRIAL_QUEUED) {
        ck_assert_int_eq(world_do(&world, world_release(lease_id), NULL), 0);
    }
    struct live_study *study = study_named(&world.tuning->state, "s");
    struct live_trial *trial = trial_live(&world.tuning->state, trial_id(study->row.id, 1));
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
    int64_t seq = tuning_last_seq(world.tuning);
    struct err err = {0};

    store_group_begin(world.store);
    ck_assert_int_eq(trial_become(&world.tuning->state, trial, impossible[_i].to, "reason", &err),
                     -1);
    ck_assert_int_eq(err.code, ERR_WRONG_STATE);
    ck_assert_int_eq(trial->row.state, impossible[_i].from);
    ck_assert_mem_eq(trial->study->row.counts, before.counts, sizeof before.counts);
    ck_assert_int_eq(trial->study->row.failed_in_row, before.failed_in_row);
    ck_assert_int_eq(tuning_last_seq(world.tuning), seq);
    ck_assert_str_eq(trial->row.reason, "");
    store_group_rollback(world.store);
}
END_TEST

START_TEST(refused_end_leaves_the_trial_where_it_was)
{
    struct live_trial *trial = trial_in(TRIAL_QUEUED);
    struct live_study *study = trial->study;

    store_group_begin(world.store);
    ck_assert_int_eq(trial_end(&world.tuning->state, trial, TRIAL_COMPLETED, NULL, NULL, NULL), -1);
    ck_assert_int_eq(study->row.counts[TRIAL_QUEUED], 1);
    ck_assert_int_eq(study->row.counts[TRIAL_COMPLETED], 0);
    ck_assert_ptr_eq(study->retries.first, trial);
    store_group_rollback(world.store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transition");
    TCase *tcase = tcase_create("refused");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, refused_move_counts_and_tells_nothing, 0, N_IMPOSSIBLE);
    tcase_add_test(tcase, refused_end_leaves_the_trial_where_it_was);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

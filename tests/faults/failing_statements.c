/* Each SQL statement fails once while time passes, and in commands that no scenario of
 * replay --failures has. The group is undone without a trace, and what comes next is as if it had
 * not been. */
#include <check.h>
#include <string.h>

#include "server/tuning/internal.h"
#include "tests/sim/world_fixture.h"
#include "tests/support/directory.h"
#include "tests/support/failing_statements.h"
#include "tests/support/run_suite.h"
#include "tests/support/store_script.h"

#define STUDY(limits)                                                                              \
    STUDY_OF_X("s", ", \"seed\": 7, \"lease\": {\"ttl_seconds\": 15}, \"limits\": {" limits "}")
/* Its value is read from the measurements in the store. */
#define BEST                                                                                       \
    "{\"name\": \"s\", \"strategy\": \"random\", \"seed\": 7, \"lease\": {\"ttl_seconds\": 15},"   \
    " \"objectives\": [{\"metric\": \"loss\", \"direction\": \"minimize\", \"fold\": \"best\"}],"  \
    " \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}]}"
/* Its schedule notes what it hands out. */
#define RUNGS STUDY_OF_EPOCHS("\"name\": \"hyperband\", \"brackets\": 1", "9", "")
/* The second trial is stopped at its first step when it is no better than the first one. */
#define STOPPING                                                                                   \
    STUDY_OF_EPOCHS("\"name\": \"asha\", \"mode\": \"stopping\"", "3",                             \
                    ", \"lease\": {\"ttl_seconds\": 15}")
/* ---- steps ---- */

static struct command *ask_and_wait(void)
{
    return world_ask("s", "{\"worker\": \"w\", \"request_id\": \"r\", \"wait_seconds\": 30}");
}

static struct command *measure_worse(void)
{
    return world_measure(f.lease,
                         "{\"measurements\": [{\"step\": 1, \"metrics\": {\"loss\": 3}}]}");
}

static struct command *enqueue_again(void)
{
    return world_add_trials("s", "{\"parameters\": {\"x\": 0.25}}", NULL);
}

static struct command *delete_study(void)
{
    return world_delete_study("s", true);
}

static struct command *revoke_token(void)
{
    struct command *command = command_create(COMMAND_TOKEN_REVOKE);

    (void)strcpy(as_token_revoke(command)->in.token, "abcdefgh");
    return command;
}

/* ---- the suite ---- */

static size_t n_refused;

static void refused(void *context, const struct command *command)
{
    (void)context;
    ck_assert_int_eq(command->err.code, ERR_IO);
    n_refused++;
}

typedef struct command *(*step_list[7])(void);

static void begin_with(const char *study, struct command *(*const before[])(void))
{
    perform(world_create_study(study));
    for (size_t i = 0; before[i] != NULL; i++) {
        perform(before[i]());
    }
}

static void listen_to_failures(void)
{
    f.world.fail_at = statement_fail_at;
    f.world.has_failed = statement_has_failed;
    f.world.refused = refused;
    n_refused = 0;
}

static void prepare(const char *study, struct command *(*const before[])(void))
{
    fixture_open();
    begin_with(study, before);
    listen_to_failures();
}

/* The step, whose k-th statement fails; is there one? An ask is refused, or waits on. */
static bool fail_at(struct command *(*make)(void), size_t k)
{
    struct command *command = make();
    bool is_command = command != NULL;
    struct err err = {0};
    bool has_failed;

    must(world_fail(&f.world, &command, is_command ? 1 : 0, k, &has_failed, &err), &err);
    if (has_failed && is_command) {
        ck_assert_uint_eq(n_refused + f.world.tuning->n_asks, 1);
    }
    f.world.fail_at = NULL;
    return has_failed;
}

/* The step again, which nothing disturbs now. */
static void step(struct command *(*make)(void))
{
    perform(f.world.tuning->n_asks > 0 ? NULL : make());
}

static void expect_rows(const struct buf *expected, size_t k, const char *what)
{
    OWN(buf) struct buf found = fixture_rows();

    ck_assert_msg(strcmp(buf_text(&found), buf_text(expected)) == 0, "statement %zu: %s", k, what);
}

/* Undone without a trace; done once more, the step leaves what it leaves where no statement has
 * failed, but the state was read anew all the same, which gives leases more time. */
static bool fail_one(const char *study, struct command *(*const before[])(void),
                     struct command *(*make)(void), size_t k, const struct buf *undisturbed)
{
    prepare(study, before);
    OWN(buf) struct buf expected = fixture_rows();
    bool has_failed = fail_at(make, k);
    if (has_failed) {
        expect_rows(&expected, k, "left a trace");
        step(make);
        expect_rows(undisturbed, k, "the step after it is another one");
    }
    fixture_close();
    return has_failed;
}

static struct buf rows_undisturbed(const char *study, struct command *(*const before[])(void),
                                   struct command *(*make)(void))
{
    struct err err = {0};

    prepare(study, before);
    f.world.fail_at = NULL;
    command_destroy(make());
    must(tuning_load(f.world.tuning, &err), &err);
    perform(make());
    struct buf rows = fixture_rows();
    fixture_close();
    return rows;
}

static const struct {
    const char *study;
    struct command *(*make)(void); /* whose statements fail */
    step_list before;
} cases[] = {
    {STUDY(""), pass_time, {make_ask}},
    {STUDY(""), pass_time, {make_ask, make_measure}},
    {STUDY("\"attempts\": 1"), pass_time, {make_ask}},
    {STUDY(""), pass_time, {make_ask, make_stop}},
    {STUDY(""), make_measure, {make_ask, pass_time}},
    {STUDY(""), make_complete, {make_ask, pass_time}},
    {STUDY(""), make_release, {make_ask, pass_time}},
    {STUDY(""), make_release, {make_ask, make_measure}},
    {STUDY(""), make_release, {make_ask, make_stop}},
    {STUDY(""), make_heartbeat, {make_ask, pass_time}},
    {STUDY(""), make_unsent, {make_ask}},
    {STUDY(""), make_cancel, {make_ask}},
    {STUDY(""), make_cancel, {make_ask, pass_time}},
    {STUDY("\"seconds\": 10"), pass_time, {make_ask, make_complete, make_trial}},
    {STUDY("\"trials\": 1"), make_complete, {make_ask}},
    {STUDY("\"failures\": 3"),
     pass_days,
     {make_ask, make_complete, make_trial, enqueue_again, delete_study}},
    {STUDY(""), make_token, {NULL}},
    {STUDY(""), revoke_token, {make_token}},
    /* leases that list an obsolete checkpoint: not received, received, too old for one */
    {STUDY(""), make_ask_at_host, {make_ask_at_host, make_checkpoint}},
    {STUDY(""), pass_time, {make_ask_at_host, make_checkpoint, make_ask_at_host}},
    {STUDY(""), make_unsent, {make_ask_at_host, make_checkpoint, make_ask_at_host}},
    {STUDY(""), pass_time, {make_ask_at_host, make_checkpoint, make_ask_at_host, make_measure}},
    {STUDY(""), pass_days, {make_ask_at_host, make_checkpoint}},
    {BEST, pass_time, {make_ask, make_measure}},
    {BEST, make_release, {make_ask, make_measure}},
    {STOPPING, pass_time, {make_ask, make_measure, make_ask, measure_worse}},
    {STOPPING, make_release, {make_ask, make_measure, make_ask, measure_worse}},
    /* a straggler: when its time is over, and when the others are known to have been quicker */
    {STUDY_WITH_QUORUM, pass_time, {make_ask, make_ask, pass_seconds, make_rung_result}},
    {STUDY_WITH_QUORUM, make_rung_result, {make_ask, pass_minutes, make_ask, pass_seconds}},
};

START_TEST(a_group_that_fails_leaves_no_trace)
{
    const char *study = cases[_i].study;
    OWN(buf)
    struct buf undisturbed = rows_undisturbed(study, cases[_i].before, cases[_i].make);
    size_t k = 1;

    while (fail_one(study, cases[_i].before, cases[_i].make, k, &undisturbed)) {
        k++;
    }
    ck_assert_uint_gt(k, 2);
}
END_TEST

/* ---- after a restore ---- */

static struct command *cancel_second(void)
{
    return world_cancel_trial("s", 2);
}

static struct command *nothing(void)
{
    return NULL;
}

/* Of two leases one has run out; then the database is put back from a backup. Writes the other. */
static void prepare_restored(const char *directory, char old[LEASE_ID_BYTES])
{
    static struct command *(*const before[])(void) = {make_ask, pass_seconds, make_ask, pass_time,
                                                      NULL};
    struct err err = {0};

    fixture_open_in(directory);
    begin_with(STUDY(""), before);
    memcpy(old, f.lease, LEASE_ID_BYTES);
    must(world_restore(&f.world, &err), &err);
}

static const struct {
    struct command *(*make)(void); /* the first command after the restore */
    enum attempt_end end;          /* of the lease that lived */
    const char *told;              /* to the holder of the newest one */
} firsts[] = {{nothing, ATTEMPT_RELEASED, "epoch-changed"},
              {make_ask, ATTEMPT_RELEASED, "continue"},
              {cancel_second, ATTEMPT_CANCELLED, "epoch-changed"}};

static enum attempt_end end_of(int64_t attempt)
{
    OWN(attempt_row) struct attempt_row row = {0};
    struct err err = {0};

    must(store_attempt_load(f.world.store, attempt, &row, &err), &err);
    return row.end;
}

/* The first group hands back the old leases that live, and no other; until it is kept they stand
 * for the next one to hand back. */
START_TEST(old_leases_are_handed_back_whatever_fails)
{
    char directory[DIRECTORY_BYTES];
    char old[LEASE_ID_BYTES];
    struct err err = {0};
    size_t k = 1;

    directory_create(directory);
    prepare_restored(directory, old);
    OWN(buf) struct buf expected = fixture_rows();
    for (listen_to_failures(); fail_at(firsts[_i].make, k); listen_to_failures()) {
        expect_rows(&expected, k++, "left a trace");
        must(world_restart(&f.world, &err), &err); /* an ask that waits is gone */
    }
    ck_assert_uint_gt(k, 2);
    ck_assert_int_eq(end_of(1), ATTEMPT_LOST);
    ck_assert_int_eq(end_of(2), firsts[_i].end);
    f.may_be_refused = true;
    perform(make_heartbeat());
    ck_assert_str_eq(f.answer, firsts[_i].told);
    perform(world_heartbeat(old));
    ck_assert_str_eq(f.answer, "epoch-changed");
    fixture_close();
    directory_remove(directory);
}
END_TEST

/* ---- before there is a client ---- */

START_TEST(a_token_of_the_start_is_there_whole_or_not_at_all)
{
    struct err err = {0};
    int result = -1;
    size_t k = 1;

    fixture_open();
    OWN(buf) struct buf expected = fixture_rows();
    for (; result != 0; k++) {
        struct token_row token = script_token("abcdefgh", 1000);
        err = (struct err){0};
        store_group_begin(f.world.store);
        statement_fail_at(k);
        result = tuning_add_token(f.world.tuning, &token, &err);
        bool has_failed = statement_has_failed();
        statement_fail_at(0);
        ck_assert_int_eq(result, has_failed ? -1 : 0);
        if (has_failed) {
            ck_assert_int_eq(err.code, ERR_IO);
            store_group_rollback(f.world.store);
            must(tuning_load(f.world.tuning, &err), &err);
            expect_rows(&expected, k, "left a trace");
            ck_assert(!tuning_has_token(f.world.tuning, token.scopes, false));
        } else {
            must(store_group_commit(f.world.store, &err), &err);
            ck_assert(tuning_has_token(f.world.tuning, token.scopes, false));
        }
    }
    ck_assert_uint_gt(k, 2);
    fixture_close();
}
END_TEST

/* ---- asks that wait ---- */

/* What a waiting ask was granted by the group that failed is no lease: there is nothing to be
 * granted any more when it is answered. */
START_TEST(a_waiting_ask_is_not_answered_with_what_was_undone)
{
    static struct command *(*const before[])(void) = {make_pause, make_trial, ask_and_wait, NULL};
    bool has_failed = true;

    for (size_t k = 1; has_failed; k++) {
        struct err err = {0};
        struct command *command;

        prepare(RUNGS, before);
        command = world_patch_study("s", "{\"state\": \"running\"}");
        must(world_fail(&f.world, &command, 1, k, &has_failed, &err), &err);
        f.world.fail_at = NULL;
        if (has_failed) {
            f.world.clock.now_ms += 60000;
            perform(make_stop());
            ck_assert_str_eq(f.lease, "");
        }
        fixture_close();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failing_statements");
    TCase *tcase = tcase_create("statements");

    json_start();
    tcase_add_loop_test(tcase, a_group_that_fails_leaves_no_trace, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    tcase_add_loop_test(tcase, old_leases_are_handed_back_whatever_fails, 0,
                        (int)(sizeof firsts / sizeof firsts[0]));
    tcase_add_test(tcase, a_token_of_the_start_is_there_whole_or_not_at_all);
    tcase_add_test(tcase, a_waiting_ask_is_not_answered_with_what_was_undone);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

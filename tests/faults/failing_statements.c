/* Each SQL statement fails once while time passes, and in commands that no scenario of
 * replay --failures has. The group is undone without a trace, and what comes next is as if it had
 * not been. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"
#include "tests/support/failing_statements.h"
#include "tests/support/store_script.h"

#define TEXT_MAX (1 << 20)
#define STUDY(limits)                                                                              \
    "{\"name\": \"s\", \"strategy\": \"random\", \"seed\": 7, \"lease\": {\"ttl_seconds\": 15},"   \
    " \"metric\": \"loss\", \"direction\": \"minimize\", \"limits\": {" limits "}, \"parameters\"" \
    ": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}]}"

/* Its schedule notes what it hands out. */
#define RUNGS                                                                                      \
    "{\"name\": \"s\", \"strategy\": {\"name\": \"hyperband\", \"brackets\": 1}, \"seed\": 7,"     \
    " \"resource\": {\"name\": \"epochs\", \"min\": 3, \"max\": 9}, \"metric\": \"loss\","         \
    " \"direction\": \"minimize\", \"parameters\": [{\"name\": \"x\", \"type\": \"float\","        \
    " \"low\": 0, \"high\": 1}]}"

static struct world world;
static char lease[LEASE_ID_BYTES]; /* of the last ask that was granted one */
static bool is_answered;           /* the last ask */

/* ---- steps: NULL is returned for what is no command, but time ---- */

static struct command *pass(void)
{
    world.clock.now_ms = tuning_next_ms(world.tuning);
    return NULL;
}

static struct command *pass_days(void)
{
    world.clock.now_ms += INT64_C(8) * 24 * 60 * 60 * 1000;
    return NULL;
}

static struct command *ask(void)
{
    return world_ask("s", "{\"worker\": \"w\"}");
}

static struct command *ask_by_name(void)
{
    return world_ask("s", "{\"worker\": \"w\", \"request_id\": \"r\", \"wait_seconds\": 30}");
}

static struct command *measure(void)
{
    return world_measure(lease, "{\"measurements\": [{\"step\": 1, \"metrics\": {\"loss\": 2}}]}");
}

static struct command *complete(void)
{
    return world_result(lease, "{\"outcome\": \"completed\", \"metrics\": {\"loss\": 1}}");
}

static struct command *beat(void)
{
    return world_heartbeat(lease);
}

static struct command *release(void)
{
    return world_release(lease);
}

static struct command *unsent(void)
{
    struct command *command = command_create(COMMAND_UNSENT);

    (void)memcpy(as_unsent(command)->in.lease, lease, sizeof lease);
    return command;
}

static struct command *stop(void)
{
    return world_patch_study("s", "{\"state\": \"stopped\"}");
}

static struct command *pause_study(void)
{
    return world_patch_study("s", "{\"state\": \"paused\"}");
}

static struct command *enqueue(void)
{
    return world_add_trials("s", "{\"parameters\": {\"x\": 0.5}}", "key");
}

static struct command *enqueue_again(void)
{
    return world_add_trials("s", "{\"parameters\": {\"x\": 0.25}}", NULL);
}

static struct command *cancel(void)
{
    return world_cancel_trial("s", 1);
}

static struct command *delete_study(void)
{
    return world_delete_study("s", true);
}

static struct command *make_token(void)
{
    struct command *command = command_create(COMMAND_TOKEN_CREATE);

    as_token_create(command)->in.token = script_token("abcdefgh", 1000);
    return command;
}

static struct command *revoke_token(void)
{
    struct command *command = command_create(COMMAND_TOKEN_REVOKE);

    (void)strcpy(as_token_revoke(command)->in.token, "abcdefgh");
    return command;
}

/* ---- the suite ---- */

static void answered(void *context, struct command *command)
{
    (void)context;
    ck_assert_msg(command->err.code == ERR_NONE, "%s", command->err.text);
    if (command->kind == COMMAND_ASK) {
        is_answered = true;
        lease[0] = '\0';
        if (as_ask(command)->out.granted) {
            memcpy(lease, as_ask(command)->out.grant.id, sizeof lease);
        }
    }
    command_destroy(command);
}

static void refused(void *context, const struct command *command)
{
    (void)context;
    ck_assert_int_ne(command->err.code, ERR_NONE);
}

static void must(int result, const struct err *err)
{
    ck_assert_msg(result == 0, "%s", err->text);
}

static void step(struct command *(*make)(void))
{
    struct err err = {0};
    struct command *command = make();

    must(command == NULL ? world_group(&world, NULL, 0, &err) : world_do(&world, command, &err),
         &err);
}

static struct buf rows(void)
{
    struct err err = {0};
    struct buf text;

    buf_init(&text, TEXT_MAX);
    must(script_read(world.store, &text, &err), &err);
    must(buf_check(&text, &err), &err);
    return text;
}

typedef struct command *(*step_list[7])(void);

static void prepare(const char *study, struct command *(*const before[])(void))
{
    struct err err = {0};

    must(world_open(&world, 1, &err), &err);
    world.answered = answered;
    must(world_do(&world, world_create_study(study), &err), &err);
    for (size_t i = 0; before[i] != NULL; i++) {
        step(before[i]);
    }
    world.fail_at = statement_fail_at;
    world.has_failed = statement_has_failed;
    world.refused = refused;
}

/* Is there a k-th statement? */
static bool fail_one(const char *study, struct command *(*const before[])(void),
                     struct command *(*make)(void), size_t k)
{
    struct err err = {0};
    bool has_failed;

    prepare(study, before);
    OWN(buf) struct buf expected = rows();
    struct command *command = make();
    must(world_fail(&world, &command, command == NULL ? 0 : 1, k, &has_failed, &err), &err);
    if (has_failed) {
        OWN(buf) struct buf found = rows();
        ck_assert_msg(strcmp(buf_text(&found), buf_text(&expected)) == 0,
                      "statement %zu left a trace", k);
        world.fail_at = NULL;
        must(world_group(&world, NULL, 0, &err), &err);
    }
    world_finish(&world);
    return has_failed;
}

static const struct {
    const char *study;
    struct command *(*make)(void); /* whose statements fail */
    step_list before;
} cases[] = {
    {STUDY(""), pass, {ask}},
    {STUDY(""), pass, {ask, measure}},
    {STUDY("\"attempts\": 1"), pass, {ask}},
    {STUDY(""), pass, {ask, stop}},
    {STUDY(""), measure, {ask, pass}},
    {STUDY(""), complete, {ask, pass}},
    {STUDY(""), release, {ask, pass}},
    {STUDY(""), release, {ask, measure}},
    {STUDY(""), release, {ask, stop}},
    {STUDY(""), beat, {ask, pass}},
    {STUDY(""), unsent, {ask}},
    {STUDY(""), cancel, {ask}},
    {STUDY(""), cancel, {ask, pass}},
    {STUDY("\"seconds\": 10"), pass, {ask, complete, enqueue}},
    {STUDY("\"trials\": 1"), complete, {ask}},
    {STUDY("\"failures\": 3"), pass_days, {ask, complete, enqueue, enqueue_again, delete_study}},
    {STUDY(""), make_token, {NULL}},
    {STUDY(""), revoke_token, {make_token}},
};

START_TEST(a_group_that_fails_leaves_no_trace)
{
    size_t k = 1;

    while (fail_one(cases[_i].study, cases[_i].before, cases[_i].make, k)) {
        k++;
    }
    ck_assert_uint_gt(k, 2);
}
END_TEST

/* What a waiting ask was granted by the group that failed is no lease: there is nothing to be
 * granted any more when it is answered. */
START_TEST(a_waiting_ask_is_not_answered_with_what_was_undone)
{
    static struct command *(*const before[])(void) = {pause_study, enqueue, ask_by_name, NULL};
    bool has_failed = true;

    for (size_t k = 1; has_failed; k++) {
        struct err err = {0};
        struct command *command;

        is_answered = false;
        prepare(RUNGS, before);
        ck_assert(!is_answered);
        command = world_patch_study("s", "{\"state\": \"running\"}");
        must(world_fail(&world, &command, 1, k, &has_failed, &err), &err);
        world.fail_at = NULL;
        if (has_failed) {
            world.clock.now_ms += 60000;
            step(stop);
            ck_assert(lease[0] == '\0');
        }
        world_finish(&world);
        lease[0] = '\0';
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failing_statements");
    TCase *tcase = tcase_create("statements");
    SRunner *runner = srunner_create(suite);

    json_start();
    tcase_add_loop_test(tcase, a_group_that_fails_leaves_no_trace, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tcase, a_waiting_ask_is_not_answered_with_what_was_undone);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The answer that granted a lease did not reach its socket: the lease is taken back where nobody
 * can ever learn of it, and only there. And the end of leases that are to be aborted. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

static struct world world;
static char lease[LEASE_ID_BYTES];
static char answer[64]; /* of the last command */

static void answered(void *context, struct command *command)
{
    (void)context;
    (void)strcpy(answer, err_code_name(command->err.code));
    if (command->kind == COMMAND_ASK && as_ask(command)->out.granted) {
        memcpy(lease, as_ask(command)->out.grant.id, sizeof lease);
    }
    if (command->kind == COMMAND_HEARTBEAT && command->err.code == ERR_NONE) {
        (void)strcpy(answer, action_name(as_heartbeat(command)->out.action.action));
    }
    command_destroy(command);
}

static void step(struct command *command)
{
    struct err err = {0};

    ck_assert_msg(world_do(&world, command, &err) == 0, "%s", err.text);
}

static struct command *ask(void)
{
    return world_ask("s", "{\"worker\": \"w\"}");
}

static struct command *ask_by_name(void)
{
    return world_ask("s", "{\"worker\": \"w\", \"request_id\": \"r\"}");
}

static struct command *measure(void)
{
    return world_measure(lease, "{\"measurements\": [{\"step\": 1, \"metrics\": {\"loss\": 2}}]}");
}

static struct command *cancel(void)
{
    return world_cancel_trial("s", 1);
}

static struct command *release(void)
{
    return world_release(lease);
}

static struct command *unsent(void)
{
    struct command *command = command_create(COMMAND_UNSENT);

    ck_assert_ptr_nonnull(command);
    memcpy(as_unsent(command)->in.lease, lease, sizeof lease);
    return command;
}

static const struct {
    struct command *(*steps[4])(void);
    const char *beat; /* what a heartbeat is answered then */
} cases[] = {
    {{ask, unsent}, "lease-ended"},
    {{ask_by_name, unsent}, "continue"},  /* its client asks again */
    {{ask, measure, unsent}, "continue"}, /* its client has it */
    {{ask, cancel, unsent}, "abort"},
    {{ask, release, unsent}, "lease-ended"},
    {{ask, cancel, release}, "lease-ended"},
};

START_TEST(a_lease_is_taken_back_where_nobody_learns_of_it)
{
    struct err err = {0};

    ck_assert_int_eq(world_open(&world, 1, &err), 0);
    world.answered = answered;
    step(world_create_study("{\"name\": \"s\", \"strategy\": \"random\", \"metric\": \"loss\","
                            " \"direction\": \"minimize\", \"parameters\": [{\"name\": \"x\","
                            " \"type\": \"float\", \"low\": 0, \"high\": 1}]}"));
    for (size_t i = 0; i < 4 && cases[_i].steps[i] != NULL; i++) {
        step(cases[_i].steps[i]());
    }
    step(world_heartbeat(lease));
    ck_assert_str_eq(answer, cases[_i].beat);
    world_finish(&world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("unsent");
    TCase *tcase = tcase_create("leases");
    SRunner *runner = srunner_create(suite);

    json_start();
    tcase_add_loop_test(tcase, a_lease_is_taken_back_where_nobody_learns_of_it, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

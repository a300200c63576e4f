#include "tests/sim/world_fixture.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/store_script.h"

#define ROWS_BYTES_MAX (1 << 20)

struct world_fixture f;

static void take(void *context, struct command *command)
{
    (void)context;
    ck_assert_msg(f.may_be_refused || command->err.code == ERR_NONE, "%s", command->err.text);
    (void)snprintf(f.answer, sizeof f.answer, "%s", err_code_name(command->err.code));
    if (command->kind == COMMAND_ASK) {
        const struct ask_command *ask = as_const_ask(command);
        (void)snprintf(f.lease, sizeof f.lease, "%s", ask->out.granted ? ask->out.grant.id : "");
    } else if (command->kind == COMMAND_HEARTBEAT && command->err.code == ERR_NONE) {
        (void)snprintf(f.answer, sizeof f.answer, "%s",
                       action_name(as_const_heartbeat(command)->out.action.action));
    }
    if (f.note != NULL) {
        f.note(command);
    }
    command_destroy(command);
}

void fixture_open_in(const char *directory)
{
    struct err err = {0};

    f = (struct world_fixture){0};
    must(world_open_in(&f.world, directory, 1, &err), &err);
    f.world.answered = take;
}

void fixture_open(void)
{
    fixture_open_in(NULL);
}

void fixture_close(void)
{
    world_finish(&f.world);
}

void must(int result, const struct err *err)
{
    ck_assert_msg(result == 0, "%s", err->text);
}

void perform(struct command *command)
{
    struct err err = {0};

    must(command == NULL ? world_group(&f.world, NULL, 0, &err) : world_do(&f.world, command, &err),
         &err);
}

struct buf fixture_rows(void)
{
    struct err err = {0};
    struct buf text;

    buf_init(&text, ROWS_BYTES_MAX);
    must(script_read(f.world.store, &text, &err), &err);
    return text;
}

void create_study_of_x(const char *name)
{
    char body[300];

    (void)snprintf(body, sizeof body, STUDY_OF_X("%s", ""), name);
    perform(world_create_study(body));
}

/* ---- commands ---- */

struct command *make_ask(void)
{
    return world_ask("s", "{\"worker\": \"w\"}");
}

struct command *make_ask_by_name(void)
{
    return world_ask("s", "{\"worker\": \"w\", \"request_id\": \"r\"}");
}

struct command *make_measure(void)
{
    return world_measure(f.lease,
                         "{\"measurements\": [{\"step\": 1, \"metrics\": {\"loss\": 2}}]}");
}

struct command *make_complete(void)
{
    return world_result(f.lease, "{\"outcome\": \"completed\", \"metrics\": {\"loss\": 1}}");
}

struct command *make_heartbeat(void)
{
    return world_heartbeat(f.lease);
}

struct command *make_release(void)
{
    return world_release(f.lease);
}

struct command *make_unsent(void)
{
    struct command *command = command_create(COMMAND_UNSENT);

    ck_assert_ptr_nonnull(command);
    memcpy(as_unsent(command)->in.lease, f.lease, sizeof f.lease);
    return command;
}

struct command *make_cancel(void)
{
    return world_cancel_trial("s", 1);
}

struct command *make_pause(void)
{
    return world_patch_study("s", "{\"state\": \"paused\"}");
}

struct command *make_stop(void)
{
    return world_patch_study("s", "{\"state\": \"stopped\"}");
}

struct command *make_token(void)
{
    struct command *command = command_create(COMMAND_TOKEN_CREATE);

    ck_assert_ptr_nonnull(command);
    as_token_create(command)->in.token = script_token("abcdefgh", 1000);
    return command;
}

struct command *make_trial(void)
{
    return world_add_trials("s", "{\"parameters\": {\"x\": 0.5}}", "key");
}

struct command *make_rung_result(void)
{
    return world_result(f.lease,
                        "{\"outcome\": \"completed\", \"step\": 1, \"metrics\": {\"loss\": 1}}");
}

struct command *make_ask_at_host(void)
{
    return world_ask("s", "{\"worker\": \"w\", \"host\": \"n1\"}");
}

struct command *make_checkpoint(void)
{
    return world_result(f.lease, "{\"outcome\": \"failed\", \"checkpoint\": {\"uri\": \"c\","
                                 " \"step\": 0, \"reach\": \"host:n1\"}}");
}

/* ---- time ---- */

struct command *pass_time(void)
{
    f.world.clock.now_ms = tuning_next_ms(f.world.tuning);
    return NULL;
}

struct command *pass_days(void)
{
    f.world.clock.now_ms += INT64_C(8) * 24 * 60 * 60 * 1000;
    return NULL;
}

struct command *pass_seconds(void)
{
    f.world.clock.now_ms += 10000;
    return NULL;
}

struct command *pass_minutes(void)
{
    f.world.clock.now_ms += 600000;
    return NULL;
}

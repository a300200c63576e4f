#include "server/tuning/command.h"

#include <stdlib.h>
#include <string.h>

#include "server/suggester/suggester.h"

/* ---- what each kind owns ---- */

static void study_state_finish(struct study_state_reply *reply)
{
    shared_def_destroy(reply->def);
}

static void study_create_in(struct command *command)
{
    struct study_create_command *create = as_study_create(command);

    json_decref(create->in.body);
    study_def_destroy(create->in.def);
}

static void study_create_out(struct command *command)
{
    struct study_create_command *create = as_study_create(command);

    study_state_finish(&create->out.study);
    memset(&create->out, 0, sizeof create->out);
}

static void study_patch_in(struct command *command)
{
    json_decref(as_study_patch(command)->in.body);
}

static void study_patch_out(struct command *command)
{
    struct study_patch_command *patch = as_study_patch(command);

    free(patch->out.numbers);
    study_state_finish(&patch->out.study);
    memset(&patch->out, 0, sizeof patch->out);
}

static void trials_add_in(struct command *command)
{
    json_decref(as_trials_add(command)->in.body);
}

static void trials_add_out(struct command *command)
{
    struct trials_add_command *add = as_trials_add(command);

    free(add->out.numbers);
    trial_reply_finish(&add->out.trial);
    memset(&add->out, 0, sizeof add->out);
}

static void trial_cancel_out(struct command *command)
{
    struct trial_cancel_command *cancel = as_trial_cancel(command);

    trial_reply_finish(&cancel->out.trial);
    memset(&cancel->out, 0, sizeof cancel->out);
}

static void trials_retry_out(struct command *command)
{
    struct trials_retry_command *retry = as_trials_retry(command);

    free(retry->out.numbers);
    trial_reply_finish(&retry->out.trial);
    memset(&retry->out, 0, sizeof retry->out);
}

static void ask_in(struct command *command)
{
    lease_ask_finish(&as_ask(command)->in.ask);
}

static void ask_out(struct command *command)
{
    struct ask_command *ask = as_ask(command);

    lease_grant_finish(&ask->out.grant);
    memset(&ask->out, 0, sizeof ask->out);
}

static void measure_in(struct command *command)
{
    measurement_list_finish(&as_measure(command)->in.measurements);
}

static void measure_out(struct command *command)
{
    struct measure_command *measure = as_measure(command);

    memset(&measure->out, 0, sizeof measure->out);
}

static void result_in(struct command *command)
{
    struct result_command *result = as_result(command);

    result_report_finish(&result->in.report);
    free(result->in.text);
}

static void result_out(struct command *command)
{
    struct result_command *result = as_result(command);

    trial_reply_finish(&result->out.trial);
    memset(&result->out, 0, sizeof result->out);
}

static void suggestion_in(struct command *command)
{
    suggestion_job_destroy(as_suggestion(command)->in.job);
}

static void token_create_in(struct command *command)
{
    free(as_token_create(command)->in.secret);
}

/* `finish_in` releases what the input owns, `drop_out` what the output owns and holds; NULL: there
 * is nothing to release. */
static const struct {
    size_t size;
    void (*finish_in)(struct command *command);
    void (*drop_out)(struct command *command);
} kinds[COMMAND_KIND_COUNT] = {
    [COMMAND_STUDY_CREATE] = {sizeof(struct study_create_command), study_create_in,
                              study_create_out},
    [COMMAND_STUDY_PATCH] = {sizeof(struct study_patch_command), study_patch_in, study_patch_out},
    [COMMAND_STUDY_DELETE] = {sizeof(struct study_delete_command), NULL, NULL},
    [COMMAND_TRIALS_ADD] = {sizeof(struct trials_add_command), trials_add_in, trials_add_out},
    [COMMAND_TRIAL_CANCEL] = {sizeof(struct trial_cancel_command), NULL, trial_cancel_out},
    [COMMAND_TRIALS_RETRY] = {sizeof(struct trials_retry_command), NULL, trials_retry_out},
    [COMMAND_ASK] = {sizeof(struct ask_command), ask_in, ask_out},
    [COMMAND_MEASURE] = {sizeof(struct measure_command), measure_in, measure_out},
    [COMMAND_HEARTBEAT] = {sizeof(struct heartbeat_command), NULL, NULL},
    [COMMAND_RESULT] = {sizeof(struct result_command), result_in, result_out},
    [COMMAND_RELEASE] = {sizeof(struct release_command), NULL, NULL},
    [COMMAND_UNSENT] = {sizeof(struct unsent_command), NULL, NULL},
    [COMMAND_SUGGESTION] = {sizeof(struct suggestion_command), suggestion_in, NULL},
    [COMMAND_TOKEN_CREATE] = {sizeof(struct token_create_command), token_create_in, NULL},
    [COMMAND_TOKEN_REVOKE] = {sizeof(struct token_revoke_command), NULL, NULL},
    [COMMAND_WORKER_SET] = {sizeof(struct worker_set_command), NULL, NULL},
    [COMMAND_BACKUP] = {sizeof(struct backup_command), NULL, NULL},
};

/* ---- any kind ---- */

struct command *command_create(enum command_kind kind)
{
    struct command *command = calloc(1, kinds[kind].size);

    if (command != NULL) {
        command->kind = kind;
        command->bytes = kinds[kind].size;
    }
    return command;
}

void command_drop_outputs(struct command *command)
{
    if (kinds[command->kind].drop_out != NULL) {
        kinds[command->kind].drop_out(command);
    }
    command->is_replay = false;
}

void command_destroy(struct command *command)
{
    if (command == NULL) {
        return;
    }
    command_drop_outputs(command);
    if (kinds[command->kind].finish_in != NULL) {
        kinds[command->kind].finish_in(command);
    }
    faults_finish(&command->faults);
    free(command->replay_text);
    free(command);
}

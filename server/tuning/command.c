#include "server/tuning/command.h"

#include <stdlib.h>

#include "server/suggester/suggester.h"

struct command *command_create(enum command_kind kind)
{
    struct command *command = calloc(1, sizeof *command);

    if (command != NULL) {
        command->kind = kind;
        command->bytes = sizeof *command;
    }
    return command;
}

static void finish_input(struct command *command)
{
    if (command->kind == COMMAND_ASK) {
        lease_ask_finish(&command->ask);
    } else if (command->kind == COMMAND_MEASURE) {
        measurement_list_finish(&command->measurements);
    } else if (command->kind == COMMAND_RESULT) {
        result_report_finish(&command->report);
    }
}

void command_drop_outputs(struct command *command)
{
    if (command->kind == COMMAND_ASK) {
        lease_grant_finish(&command->grant);
        command->grant = (struct lease_grant){0};
    } else {
        shared_def_destroy(command->study_out.def);
        trial_reply_finish(&command->trial_out);
        command->study_out = (struct study_state_reply){0};
    }
    command->granted = false;
    command->is_replay = false;
}

void command_destroy(struct command *command)
{
    if (command == NULL) {
        return;
    }
    json_decref(command->body);
    study_def_destroy(command->def);
    finish_input(command);
    free(command->report_text);
    free(command->secret);
    suggestion_job_destroy(command->job);
    faults_finish(&command->faults);
    free(command->replay_text);
    free(command->numbers);
    command_drop_outputs(command);
    free(command);
}

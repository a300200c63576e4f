#include "server/tuning/command.h"

#include <stdlib.h>

#include "server/tuning/think.h"

struct command *command_create(enum command_kind kind)
{
    struct command *command = calloc(1, sizeof *command);

    if (command != NULL) {
        command->kind = kind;
        command->bytes = sizeof *command;
    }
    return command;
}

void command_destroy(struct command *command)
{
    if (command == NULL) {
        return;
    }
    json_decref(command->body);
    study_def_destroy(command->def);
    lease_ask_finish(&command->ask);
    measurement_list_finish(&command->measurements);
    result_report_finish(&command->report);
    free(command->report_text);
    free(command->secret);
    thought_destroy(command->thought);
    faults_finish(&command->faults);
    free(command->replay_text);
    shared_def_destroy(command->study_out.def);
    shared_def_destroy(command->trial_out.def);
    trial_row_finish(&command->trial_out.row);
    free(command->trial_out.parameters);
    free(command->numbers);
    lease_grant_finish(&command->grant);
    free(command);
}

/* The command that trains, checked against its study before anything is started. */
#ifndef WORKER_CLI_VERBS_COMMAND_CHECK_H
#define WORKER_CLI_VERBS_COMMAND_CHECK_H

#include <jansson.h>
#include <stdbool.h>

#include "common/err.h"
#include "worker/cli/agent_options/reading.h"

/* ERR_INVALID: a placeholder of the command is none, or names no parameter of the study. Says so on
 * stderr where it names no parameter at all, which may be meant.
 * may_add: whoever wrote the command also declares the parameters. */
MUST_USE int command_check(char *const command[], const json_t *study, bool may_add,
                           struct err *err);

/* For a command that is to run on this machine. ERR_INVALID: there is no such program, or one of
 * the expressions that find its metrics is wrong. */
MUST_USE int command_check_here(char *const command[], const struct reading *reading,
                                struct err *err);

#endif

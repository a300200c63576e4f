/* The command that trains, checked against its study before anything is started. */
#ifndef WORKER_CLI_VERBS_COMMAND_CHECK_H
#define WORKER_CLI_VERBS_COMMAND_CHECK_H

#include <jansson.h>
#include <stdbool.h>

#include "common/err.h"

/* ERR_INVALID: a placeholder of the command is none, or names no parameter of the study.
 * may_add: whoever wrote the command also declares the parameters. */
MUST_USE int command_check(char *const command[], const json_t *study, bool may_add,
                           struct err *err);

#endif

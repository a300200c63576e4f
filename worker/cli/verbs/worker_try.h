/* hone worker --try: one run of a command, to see what of its output is understood. */
#ifndef WORKER_CLI_VERBS_WORKER_TRY_H
#define WORKER_CLI_VERBS_WORKER_TRY_H

#include <stdbool.h>

#include "common/err.h"
#include "worker/agent/agent.h"
#include "worker/cli/options.h"

/* Runs the command of the options once and prints what it finds. `study` is a file, or the name of
 * a study on the server; NULL: no server is asked, and any metric may be the objective. `on_agent`
 * gets the agent that a signal may stop, and NULL when there is none any more. *measured: whether
 * every objective was. */
MUST_USE int worker_try(const struct agent_settings *settings, const struct options *options,
                        const char *study, void (*on_agent)(struct agent *agent), bool *measured,
                        struct err *err);

#endif

/* What jobs get of the worker's environment, and as whom they run: --clean-env, --env,
 * --allow-root. */
#ifndef WORKER_CLI_AGENT_OPTIONS_RIGHTS_H
#define WORKER_CLI_AGENT_OPTIONS_RIGHTS_H

#include <argp.h>

#include "common/err.h"
#include "worker/agent/agent.h"

/* Fills the `struct agent_settings` that is its input. */
extern const struct argp rights_argp;

/* False: this is root, and neither --allow-root nor HONE_ALLOW_ROOT=1 says that it is meant. */
bool rights_suffice(bool allow_root);
/* ERR_INVALID: this is root, and neither --allow-root nor HONE_ALLOW_ROOT=1 says that it is meant.
 */
MUST_USE int rights_check(const struct agent_settings *settings, struct err *err);

#endif

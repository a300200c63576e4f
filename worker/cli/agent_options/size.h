/* Sizes on the command line (common/size.h), which need a unit: 500M, 2GiB. */
#ifndef WORKER_CLI_AGENT_OPTIONS_SIZE_H
#define WORKER_CLI_AGENT_OPTIONS_SIZE_H

#include <argp.h>

#include "worker/agent/agent.h"

/* Ends the program, with what is wrong, unless `arg` of this option is a size. */
struct agent_size size_from_argument(const char *option, const char *arg,
                                     const struct argp_state *state);

#endif

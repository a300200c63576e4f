/* What a worker is called and what it has: --name, --label. */
#ifndef WORKER_CLI_AGENT_OPTIONS_IDENTITY_H
#define WORKER_CLI_AGENT_OPTIONS_IDENTITY_H

#include <argp.h>

/* Fills the `struct agent_settings` that is its input. */
extern const struct argp identity_argp;

#endif

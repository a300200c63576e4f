/* What a worker does while the server is away: --offline. */
#ifndef WORKER_CLI_AGENT_OPTIONS_OUTAGE_H
#define WORKER_CLI_AGENT_OPTIONS_OUTAGE_H

#include <argp.h>

/* Fills the `struct agent_settings` that is its input. */
extern const struct argp outage_argp;

#endif

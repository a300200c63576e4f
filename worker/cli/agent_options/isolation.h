/* What holds the processes of a job together, and to what: --isolate, --memory-limit, --processes.
 */
#ifndef WORKER_CLI_AGENT_OPTIONS_ISOLATION_H
#define WORKER_CLI_AGENT_OPTIONS_ISOLATION_H

#include <argp.h>

/* Fills the `struct agent_settings` that is its input. */
extern const struct argp isolation_argp;

#endif

/* When a worker ends by itself: --exit-when-finished. */
#ifndef WORKER_CLI_AGENT_OPTIONS_LEAVING_H
#define WORKER_CLI_AGENT_OPTIONS_LEAVING_H

#include <argp.h>

/* Fills the `struct agent_settings` that is its input. */
extern const struct argp leaving_argp;

#endif

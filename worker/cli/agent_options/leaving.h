/* When a worker ends by itself: --exit-when-finished, --exit-when-idle, --max-trials, --max-uptime,
 * --deadline, --stay-when-drained; and --preempt-status, what it ends with when it is made to. */
#ifndef WORKER_CLI_AGENT_OPTIONS_LEAVING_H
#define WORKER_CLI_AGENT_OPTIONS_LEAVING_H

#include <argp.h>

/* Fills the `struct agent_settings` that is its input. */
extern const struct argp leaving_argp;

#endif

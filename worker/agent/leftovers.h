/* What is left of jobs whose workers and shims were killed together: found by the records of the
 * state directory, and ended. */
#ifndef WORKER_AGENT_LEFTOVERS_H
#define WORKER_AGENT_LEFTOVERS_H

#include "common/err.h"

/* Ends the processes of all recorded jobs, but those whose shim lives. ERR_NOMEM. */
MUST_USE int leftovers_end(const char *state_dir, struct err *err);

#endif

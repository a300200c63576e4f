/* What an agent needs of its settings before the first trial: the commands it can run, what it
 * offers with each request, the work directory. ERR_INVALID: the settings cannot be meant; ERR_IO,
 * ERR_NOMEM. */
#ifndef WORKER_AGENT_AGENT_SETUP_H
#define WORKER_AGENT_AGENT_SETUP_H

#include "worker/agent/slot_state.h"

/* Finds the command of the study or those of the runners, and checks what they name. */
MUST_USE int agent_setup_programs(struct agent_context *context, struct err *err);
/* The host is known. */
MUST_USE int agent_setup_offer(struct agent_context *context, struct err *err);
/* Appends where the work directory is unless one is said. ERR_NOMEM. */
MUST_USE int agent_default_workdir(struct buf *path, struct err *err);
MUST_USE int agent_setup_workdir(struct agent_context *context, struct err *err);

#endif

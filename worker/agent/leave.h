/* Carries out on the slots of an agent what leaving.h decides. */
#ifndef WORKER_AGENT_LEAVE_H
#define WORKER_AGENT_LEAVE_H

#include "worker/agent/slot_state.h"

/* Notes what the slots do, decides, and says why where something changes. Once: nothing more is
 * asked for; jobs are stopped; jobs are killed. */
void leave_update(struct agent_context *context, struct slot slots[], size_t n_slots);

#endif

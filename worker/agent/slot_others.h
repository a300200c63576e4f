/* A slot looks for what other workers of this name have left before it asks for a trial. */
#ifndef WORKER_AGENT_SLOT_OTHERS_H
#define WORKER_AGENT_SLOT_OTHERS_H

#include "worker/agent/slot_state.h"
#include "worker/agent/state_gather.h"

/* Where they leave it. */
struct state_gather slot_others(const struct agent_context *context);
/* Takes up what one of them has left. True: the slot has something to deliver. */
bool slot_others_take(struct slot *slot);

#endif

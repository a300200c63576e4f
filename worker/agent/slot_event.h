/* What a slot tells whoever runs the agent. */
#ifndef WORKER_AGENT_SLOT_EVENT_H
#define WORKER_AGENT_SLOT_EVENT_H

#include "worker/agent/slot_state.h"

/* Calls the agent's on_event with what the slot knows. */
void slot_emit(const struct slot *slot, enum agent_event_kind kind, const char *outcome,
               const char *detail);

#endif

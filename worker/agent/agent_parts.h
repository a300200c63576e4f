/* What the files of this folder may know of an agent. */
#ifndef WORKER_AGENT_AGENT_PARTS_H
#define WORKER_AGENT_AGENT_PARTS_H

#include "worker/agent/slot.h"

/* Its programs, expressions, folders and loop; lives as long as the agent. */
struct agent_context *agent_parts_context(struct agent *agent);
/* How often agent_stop() was called, as far as the loop has seen it. */
unsigned agent_parts_stops(const struct agent *agent);

#endif

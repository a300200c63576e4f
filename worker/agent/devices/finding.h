/* Finds the GPUs when a worker starts. */
#ifndef WORKER_AGENT_DEVICES_FINDING_H
#define WORKER_AGENT_DEVICES_FINDING_H

#include "worker/agent/devices/devices_state.h"

/* Fills `found`, from the settings, the environment and the vendor's tool, for which it may wait as
 * long as the limit is; says what it found. ERR_INVALID: as discovery_decide(). */
MUST_USE int finding_run(struct devices *devices, struct err *err);

#endif

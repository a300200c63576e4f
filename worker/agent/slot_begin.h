/* A trial begins in a slot, or is handed back because it cannot. */
#ifndef WORKER_AGENT_SLOT_BEGIN_H
#define WORKER_AGENT_SLOT_BEGIN_H

#include "worker/agent/slot_state.h"

/* A hook of the request for a lease: takes the grant and starts its job, or the transfer of its
 * checkpoint. `context` is the slot. */
void slot_on_grant(void *context, struct lease_grant *grant);
/* Starts the job, once its checkpoint is here. */
MUST_USE int slot_begin_run(struct slot *slot, struct err *err);
/* DELIVERING: the trial goes back to the server. */
void slot_hand_back(struct slot *slot);
/* The same because of this error, which also ends the worker. */
void slot_release_after(struct slot *slot, const struct err *err);

/* Nothing is known yet of the trial that the slot is about to have. */
void slot_forget_trial(struct slot *slot);

#endif

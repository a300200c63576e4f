/* A trial ends in a slot: its job is gone; what that means is decided and delivered. */
#ifndef WORKER_AGENT_SLOT_END_H
#define WORKER_AGENT_SLOT_END_H

#include "worker/agent/slot_state.h"

/* Returns the monotonic moment in ms until which the worker's own signal may explain the job's end.
 */
int64_t slot_settled_at_ms(const struct slot *slot);
/* Can what the end of the job means be decided? */
bool slot_is_settled(const struct slot *slot);
/* FLUSHING is over: the next run of the job, or its result, or nothing. */
void slot_after_flush(struct slot *slot);
/* Sends the result, after the checkpoint where that goes to the server (SAVING). */
void slot_deliver(struct slot *slot);
/* The server has refused the result: once more as a failure, then the trial is handed back. */
void slot_after_refusal(struct slot *slot);
/* The server has taken the result or the release, or the trial is lost. */
void slot_after_delivery(struct slot *slot);
/* Lets go of the trial; what comes next depends on whether anything may. */
void slot_end_trial(struct slot *slot, const char *outcome, const char *detail);

#endif

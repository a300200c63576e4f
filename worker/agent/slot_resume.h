/* Taking up what an earlier worker has left in the state directory, after it was killed, after its
 * machine went down, or because the server was away when it was stopped.
 *
 *   a result or a release was recorded → it is delivered
 *   the job's end was recorded         → what it means is decided as ever
 *   neither, and the job is gone       → what it measured is sent, and the trial handed back with
 *                                        the checkpoint there is
 *
 * First the server is asked how the lease stands by now: an attempt that has overtaken it keeps the
 * trial. A job that was to survive its worker (--keep-jobs) goes on (slot_adopt.h); another one
 * that is still alive is waited for until it is gone. What other workers of this name have left is
 * looked for at the start, and before each ask. */
#ifndef WORKER_AGENT_SLOT_RESUME_H
#define WORKER_AGENT_SLOT_RESUME_H

#include "worker/agent/attempt_log.h"
#include "worker/agent/slot_state.h"

/* Takes up the attempt of the spool, or the ask, in a slot that was opened. */
MUST_USE int slot_resume(struct slot *slot, const char *path, struct err *err);
/* Looks whether the job of an attempt that was not recorded to its end is gone. */
void slot_resume_tick(struct slot *slot);
/* Returns the moment of the next slot_resume_tick() that has something to do; INT64_MAX: none. */
int64_t slot_resume_deadline(const struct slot *slot);

#endif

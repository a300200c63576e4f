/* One slot: a place where one trial runs at a time. It asks, runs the job, passes reports on, and
 * delivers how it ended; then it asks again.
 *
 *   ASKING ─grant→ RUNNING ─job gone→ FLUSHING ─all measured→ DELIVERING ─taken→ ASKING
 *   FETCHING is between the first two, and SAVING before DELIVERING, where a checkpoint goes by the
 *   server.
 *                     ↑                  │ promoted: again
 *                     └──────────────────┘                     … → CLOSED
 *
 * What happens to the trial is recorded in the slot's spool; one that an earlier worker has left
 * there is taken up before anything is asked for (slot_resume.h): RESUMING until its job is gone.
 *
 * Everything happens on the agent's one thread. Hooks only note what happened; slot_tick() acts. */
#ifndef WORKER_AGENT_SLOT_H
#define WORKER_AGENT_SLOT_H

#include "worker/agent/slot_state.h"

/* Makes the slot ask for its first trial; `context` is borrowed. ERR_IO: no socket for reports. */
MUST_USE int slot_open(struct slot *slot, struct agent_context *context, size_t index,
                       struct err *err);
/* Kills what still runs and frees everything; accepts a zeroed slot. */
void slot_finish(struct slot *slot);
/* Does what is due. */
void slot_tick(struct slot *slot);
/* Returns the monotonic moment in ms of the next slot_tick() that has something to do; INT64_MAX:
 * none. */
int64_t slot_deadline(const struct slot *slot);
/* The worker stops: ask for nothing more, stop the job, hand the trial back. */
void slot_drain(struct slot *slot);
/* The same at once: the job is killed. */
void slot_kill(struct slot *slot);

#endif

/* A slot and its spool: when it is begun, what of a trial is recorded, when it is written. */
#ifndef WORKER_AGENT_SLOT_SPOOL_H
#define WORKER_AGENT_SLOT_SPOOL_H

#include "worker/agent/slot_state.h"

/* Has the slot a file to record its next trial in, and under which id it asks for it? It is begun
 * where it is not there. False: it cannot be written, which is said once; tried again later. */
bool slot_spool_is_ready(struct slot *slot);
/* A trial was granted; its command is about to be started; its job has ended. */
void slot_spool_grant(struct slot *slot);
void slot_spool_run(struct slot *slot);
void slot_spool_exit(struct slot *slot);
/* Nothing of the trial is left to be sent. */
void slot_spool_close(struct slot *slot);

/* Writes what waits; and down to the disk where the server has not answered for a second. */
void slot_spool_tick(struct slot *slot);
/* Returns the moment of the next slot_spool_tick() that has something to do; INT64_MAX: none. */
int64_t slot_spool_deadline(const struct slot *slot);

#endif

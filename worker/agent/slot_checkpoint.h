/* The checkpoint of a slot's trial: fetched from the server before its job starts, and sent there
 * before its result, where the worker is told to (--checkpoints). */
#ifndef WORKER_AGENT_SLOT_CHECKPOINT_H
#define WORKER_AGENT_SLOT_CHECKPOINT_H

#include "worker/agent/slot_state.h"

/* The granted checkpoint is at the server: begins to fetch it. False: there is nothing to fetch. */
bool slot_fetch_begin(struct slot *slot);
/* True: it is there, or will not be, and the trial begins at 0. *lacks_room: it has no room here,
 * where the job would have none either. */
bool slot_fetch_tick(struct slot *slot, bool *lacks_room);

/* The ended job has kept a checkpoint that goes to the server: begins to send it. False: it stays
 * here, or is there already. */
bool slot_save_begin(struct slot *slot);
/* True: it is there, or will not be. */
bool slot_save_tick(struct slot *slot);
/* Is it at the server? */
bool slot_is_saved(const struct slot *slot);

/* What a result calls the checkpoint that was published at `path`. */
void slot_name_checkpoint(const struct slot *slot, const char *path, struct checkpoint *checkpoint);

/* Returns the monotonic moment in ms at which one of these has something to do; INT64_MAX: none. */
int64_t slot_checkpoint_deadline(const struct slot *slot);
/* The trial is over. */
void slot_checkpoint_finish(struct slot *slot);

#endif

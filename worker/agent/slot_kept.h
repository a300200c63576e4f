/* A slot's job and what the next agent needs of it: whose processes they are, and with --keep-jobs
 * the job itself, its output and how far that is recorded. */
#ifndef WORKER_AGENT_SLOT_KEPT_H
#define WORKER_AGENT_SLOT_KEPT_H

#include "worker/agent/slot_state.h"

/* Its job is about to start, under this name. Fills *keep where the job is to survive this process
 * (then *keeps). ERR_IO. */
MUST_USE int slot_kept_begin(struct slot *slot, const char *attempt_id, struct runner_keep *keep,
                             bool *keeps, struct err *err);
/* … and has started. */
void slot_kept_started(const struct slot *slot);
/* Reads a helping of a stream, and records in the spool and in the position that it was read.
 * Returns as read() does. */
ssize_t slot_kept_read(struct slot *slot, enum runner_stream stream);
/* A report came another way. */
void slot_kept_commit(struct slot *slot);
/* The last lines of the streams are worked on. */
void slot_kept_close_output(struct slot *slot);
/* The end of the job is recorded: nothing of it is needed any more. */
void slot_kept_end(struct slot *slot);

enum slot_kept {
    SLOT_KEPT_NOTHING, /* the job is gone, and so is what it printed */
    SLOT_KEPT_WAIT,    /* its shim is ending: look again */
    SLOT_KEPT_TAKEN    /* the slot is RUNNING, with the job or with its end */
};

/* Takes up the job of an earlier worker; the grant, the folder and the lease are restored, and the
 * spool says that so many reports were `measured`. `gpu` are its devices. */
enum slot_kept slot_kept_take_up(struct slot *slot, uint64_t measured, const char *gpu);

#endif

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
/* Reads once from a stream, and records in the spool and in the position that it was read.
 * Returns as read() does. */
ssize_t slot_kept_read(struct slot *slot, enum runner_stream stream);
/* A report came another way. */
void slot_kept_commit(struct slot *slot);
/* The last lines of the streams are worked on. */
void slot_kept_close_output(struct slot *slot);
/* The end of the job is recorded: nothing of it is needed any more. */
void slot_kept_end(struct slot *slot);

/* For slot_adopt.c. Names the files beside the spool. ERR_NOMEM. */
MUST_USE int slot_kept_name_files(struct slot *slot, struct err *err);
/* Opens those of the output; `resumes`: as an earlier worker has left them. ERR_IO. */
MUST_USE int slot_kept_open_output(struct slot *slot, bool resumes, struct err *err);
/* What a position says is worked on at the end: the last lines. */
#define SLOT_KEPT_ENDING (STREAM_COUNT + 1)

#endif

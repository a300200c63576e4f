/* The files that a slot's job has in the state directory, beside the spool. */
#ifndef WORKER_AGENT_KEPT_FILES_H
#define WORKER_AGENT_KEPT_FILES_H

#include "common/err.h"
#include "common/own.h"
#include "worker/agent/shim.h"

struct kept_files { /* paths; owned; NULL: not named */
    char *job;      /* whose processes these are (job_record.h) */
    char *socket;   /* the shim waits there for another agent */
    char *exit, *exit_new;
    char *printed[STREAM_COUNT]; /* what the job printed and may not be recorded yet */
    char *position;              /* how much of that is */
};

/* "STATE/slot-0" → "STATE/slot-0.job", … ERR_NOMEM. */
MUST_USE int kept_files_name(struct kept_files *files, const char *base, struct err *err);
void kept_files_finish(struct kept_files *files);
OWN_VALUE(kept_files)
/* Removes them. */
void kept_files_remove(const struct kept_files *files);

/* A socket with the name of a file, however long its folder's name is: bound, or connected. -1,
 * with errno; EAGAIN: too many wait there. Neither ever blocks. */
int kept_files_bind(const char *path);
int kept_files_connect(const char *path);

#endif

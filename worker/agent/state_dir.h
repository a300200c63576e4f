/* The state directory of one worker: what outlives it lies there, and a lock keeps a second worker
 * out.
 *
 *   WORKDIR/workers/<name>/   lock slot-0.spool slot-1.spool …
 *
 * `lock` says which process on which host holds it. The lock itself is the kernel's, so it ends
 * with the process, whatever ends that; neither a shim nor a job ever has its descriptor. On a file
 * system without locks, the file alone decides: a worker of this machine is seen to be gone, one of
 * another machine counts as there. */
#ifndef WORKER_AGENT_STATE_DIR_H
#define WORKER_AGENT_STATE_DIR_H

#include "common/err.h"
#include "common/own.h"

struct state_dir {
    char *path; /* absolute; owned; NULL: none */
    int lock_fd;
    int number; /* WORKDIR/workers/NAME.number; 1: without one, or given */
};
/* For state_dir_close(). */
void state_dir_init(struct state_dir *dir);
/* Removes what is of no use to a later worker, and unlocks. */
void state_dir_close(struct state_dir *dir);

struct state_dir_wanted {
    const char *given;   /* the directory; NULL: the first one of the name that is free */
    const char *workdir; /* WORKDIR/workers/NAME, NAME.2, … */
    const char *name;
    const char *host;
    const char *server; /* whose jobs are this worker's; NULL: no job is looked at */
};
/* Makes and locks it. ERR_LOCKED: another worker, or a job that is kept for one of another server,
 * has the given one. ERR_IO. */
MUST_USE int state_dir_open(struct state_dir *dir, const struct state_dir_wanted *wanted,
                            struct err *err);

#endif

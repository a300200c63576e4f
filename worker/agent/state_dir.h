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
};
/* For state_dir_close(). */
void state_dir_init(struct state_dir *dir);
/* Removes what is of no use to a later worker, and unlocks. */
void state_dir_close(struct state_dir *dir);

/* Makes and locks `given`, or where that is NULL WORKDIR/workers/NAME, the first of NAME, NAME.2, …
 * that no other worker holds. ERR_LOCKED: another worker holds the given one. ERR_IO. */
MUST_USE int state_dir_open(struct state_dir *dir, const char *given, const char *workdir,
                            const char *name, const char *host, struct err *err);

#endif

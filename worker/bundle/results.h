/* What has become of the leases of a bundle: a folder that several workers share, also on several
 * hosts with a file system that locks.
 *
 *   00007.claim    locked by the worker that runs the lease; names the run
 *   00007.part     what was said about it so far, one call a line: {"lease": …}, then the bodies of
 *                  measurements; of a job that was interrupted it stays
 *   00007.resume   its checkpoint, if it left one
 *   00007.ndjson   the same as .part with the result behind it: the lease has ended
 *
 * A lease is claimed by one worker at a time; a worker that is killed loses its claim. Every time
 * that a lease is handed out is a run of its own: a worker that takes up a run after it was killed
 * has its claim again only if no other run has begun since. */
#ifndef WORKER_BUNDLE_RESULTS_H
#define WORKER_BUNDLE_RESULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"

struct results {
    char *folder;
};
/* Makes the folder when it is missing, 0700. ERR_IO. */
MUST_USE int results_open(const char *folder, struct results *results, struct err *err);
void results_close(struct results *results);

enum claim_state { CLAIM_TAKEN, CLAIM_BUSY, CLAIM_ENDED };

#define CLAIM_RUN_BYTES 9 /* eight hexadecimal digits */

/* One lease of the bundle, claimed. */
struct claim {
    size_t number;          /* from 1 */
    enum claim_state state; /* otherwise than CLAIM_TAKEN nothing is held */
    int lock_fd, part_fd;
    char run[CLAIM_RUN_BYTES];
    json_t *checkpoint; /* what an earlier run has left; NULL: nothing; owned */
};

/* What is claimed. */
struct claim_lease {
    size_t number;
    const char *header; /* the first line of its part */
    /* *can ← a run can begin there. The file may have been written by anyone. ERR_NOMEM. */
    int (*can_begin_at)(const void *context, const json_t *checkpoint, bool *can, struct err *err);
    const void *context;
};
/* Claims the lease unless another worker has it or it has ended. `run` NULL: a new run begins; what
 * an interrupted one has measured is kept if it left a checkpoint where it can begin, else dropped.
 * Otherwise that run goes on: CLAIM_BUSY where another has begun. ERR_IO, ERR_NOMEM: nothing that
 * was measured is lost. */
MUST_USE int claim_take(const struct results *results, const struct claim_lease *lease,
                        const char *run, struct claim *claim, struct err *err);
/* How the lease stands; CLAIM_TAKEN: it could be claimed. */
enum claim_state claim_look(const struct results *results, size_t number);

struct results_count {
    size_t ended, busy, open;
};
/* How a bundle of so many leases stands, whoever has worked on it. */
struct results_count results_count(const struct results *results, size_t n_leases);
/* Appends a line. ERR_IO, ERR_STORAGE_FULL: nothing was appended. */
MUST_USE int claim_append(struct claim *claim, const char *line, size_t len, struct err *err);
/* Notes where the next run may begin; NULL: at the start. */
MUST_USE int claim_set_checkpoint(const struct results *results, struct claim *claim,
                                  const json_t *checkpoint, struct err *err);
/* All is said: synced and published under its last name. */
MUST_USE int claim_end(const struct results *results, struct claim *claim, struct err *err);
/* Others may claim it. Also ends the use of a claim that was ended. */
void claim_release(struct claim *claim);

/* Calls `each` for every lease that has ended, in order of their numbers. `source` is such a folder
 * or a tar file of it. ERR_IO, ERR_NOMEM; ERR_INVALID: something in it is no file; what `each`
 * returns. */
MUST_USE int results_each(const char *source,
                          int (*each)(void *context, const char *name, const char *text, size_t len,
                                      struct err *err),
                          void *context, struct err *err);

#endif

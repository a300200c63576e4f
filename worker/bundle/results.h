/* What has become of the leases of a bundle: a folder that several workers share, also on several
 * hosts with a file system that locks.
 *
 *   00007.claim    locked by the worker that runs the lease
 *   00007.part     what was said about it so far, one call a line: {"lease": …}, then the bodies of
 *                  measurements; of a job that was interrupted it stays
 *   00007.resume   its checkpoint, if it left one
 *   00007.ndjson   the same as .part with the result behind it: the lease has ended
 *
 * A lease is claimed by one worker at a time; a worker that is killed loses its claim. */
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

/* One lease of the bundle, claimed. */
struct claim {
    size_t number; /* from 1 */
    int lock_fd, part_fd;
    json_t *checkpoint; /* what an earlier run has left; NULL: nothing; owned */
};

enum claim_state { CLAIM_TAKEN, CLAIM_BUSY, CLAIM_ENDED };

/* Claims the lease unless another worker has it or it has ended. `header` is the first line of its
 * part. What an interrupted run has measured is kept if that run left a checkpoint, or if it goes
 * on: `continues`; else it is dropped. ERR_IO. */
MUST_USE int claim_take(const struct results *results, size_t number, const char *header,
                        bool continues, struct claim *claim, enum claim_state *state,
                        struct err *err);
/* Is the result of the lease there? */
bool claim_has_ended(const struct results *results, size_t number);
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
 * or a tar file of it. ERR_IO, and what `each` returns. */
MUST_USE int results_each(const char *source,
                          int (*each)(void *context, const char *name, const char *text, size_t len,
                                      struct err *err),
                          void *context, struct err *err);

#endif

/* Every decision of a study, made again from what is stored, and compared with what was decided.
 *
 * Decisions are: each suggested configuration, and what the schedule decided: where a trial begins,
 * which trials are promoted, which are stopped. Their inputs are taken as stored: measurements,
 * results, failures, forecasts, and when which worker asked. Enqueued and imported trials are no
 * decisions and counted apart. Decisions of a version that did not keep what they were made from
 * are "not_recorded".
 *
 * The same kind of processor gives the same digits. The lines are one JSON object each: the
 * decisions in order, and at the end a summary with a digest of the decisions that are stored, and
 * one of those that were made again.
 *
 * First replay_read() until there is no more, on a thread with a connection; then replay_write()
 * until there is no more, on any. One thread at a time. */
#ifndef SERVER_REPLAY_REPLAY_H
#define SERVER_REPLAY_REPLAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/own.h"
#include "server/store/store.h"

struct replay;

/* Of the study with this id, up to its `until`-th decision; 0: all. ERR_NOMEM. */
MUST_USE int replay_create(int64_t study, int64_t until, struct replay **replay, struct err *err);
/* Accepts NULL. */
void replay_destroy(struct replay *replay);
OWN_POINTER(replay)

/* Reads a slice of what is stored (record.h). */
MUST_USE int replay_read(struct replay *replay, struct store *store, bool *more, struct err *err);
/* Makes the next suggestion, or the next call into the schedule, again, and appends the lines that
 * follow from it. As long as one suggestion takes. ERR_OVERLOADED: `stop` was set; ERR_NOMEM;
 * ERR_IO: the stored facts contradict each other. */
MUST_USE int replay_write(struct replay *replay, const atomic_bool *stop, struct buf *out,
                          bool *more, struct err *err);

/* Does all of it for the study of this name, and writes the lines to `out` (stdio.h).
 * ERR_NOT_FOUND; ERR_IO: also where `out` cannot be written. */
MUST_USE int replay_print(struct store *store, const char *study, int64_t until, FILE *out,
                          struct err *err);

struct replay_counts {
    int64_t decisions, same, different, not_recorded;
    int64_t first_difference; /* number of the decision; 0: none */
    int64_t enqueued, imported;
};
/* So far. */
struct replay_counts replay_counts(const struct replay *replay);

#endif

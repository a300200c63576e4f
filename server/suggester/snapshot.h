/* The history of a study as it is at one moment, for a strategy that runs on another thread:
 * finished trials and fits (borrowed from the trial history, which is held), and the open trials
 * (copied). */
#ifndef SERVER_SUGGESTER_SNAPSHOT_H
#define SERVER_SUGGESTER_SNAPSHOT_H

#include "server/suggester/curve.h"
#include "server/suggester/history.h"

struct snapshot {
    struct trial_history *source; /* held */
    struct history history;
    struct observation *items; /* owned; what history.items points to */
    struct fit *fits;          /* owned */
    size_t n_done;             /* of the items: finished ones */
    size_t cap;
    size_t n_numbers;
    double *pending; /* owned: configurations and values of the open ones */
    size_t n_points, cap_points;
    struct curve_point *points; /* owned: their curves */
};

/* The history as of now, with room for `n_pending` more observations. ERR_NOMEM. */
MUST_USE int snapshot_init(struct snapshot *snapshot, struct trial_history *history,
                           size_t n_pending, struct err *err);
void snapshot_finish(struct snapshot *snapshot);
/* Takes over fits that were added meanwhile: what was fitted to this history need not be fitted
 * again. Called by the writer thread. Out of memory, the snapshot keeps the fits it has. */
void snapshot_renew_fits(struct snapshot *snapshot);
/* Room for so many points of the open trials' curves. ERR_NOMEM. */
MUST_USE int snapshot_reserve_points(struct snapshot *snapshot, size_t n, struct err *err);
/* Adds, within the room that was reserved, a configuration that no trial has begun; */
void snapshot_add_pending(struct snapshot *snapshot, uint64_t ordinal, const double x[]);
/* a trial that is queued, trains or waits at a rung (observation.h), with its curve so far. */
void snapshot_add_open(struct snapshot *snapshot, const struct trial_row *row,
                       const struct learning_curve *curve);

#endif

/* What a study has seen so far, kept in memory for strategies that learn from it.
 *
 * Finished trials in the order in which they ended, and the fits. Both only grow, and what they
 * point to never moves, so a snapshot is an array of observations that borrows everything else;
 * it holds the past, which outlives the study if a thinker is still at work. Only the writer
 * appends. Memory: some 100 bytes and the configuration a trial. */
#ifndef SERVER_TUNING_PAST_H
#define SERVER_TUNING_PAST_H

#include <stdatomic.h>

#include "common/own.h"
#include "server/domain/history.h"
#include "server/domain/shared_def.h"
#include "server/domain/trial.h"
#include "server/store/store.h"
#include "server/tuning/after.h"

struct past {
    atomic_int holders;
    struct shared_def *def; /* held */
    size_t n, cap;
    struct observation *items; /* their x and curve are owned here */
    size_t n_fits, cap_fits;
    struct fit *fits;       /* their data is owned here */
    struct sources sources; /* what was taken over when the study was made */
};

/* A trial's curve of the objective, thinned: models look at it at a handful of levels
 * (forecast_levels), so of the steps between two of them only the last one is kept. */
struct learning_curve {
    const struct study_def *study; /* borrowed */
    size_t n, cap;
    struct curve_point *points; /* steps rising */
};
void learning_curve_finish(struct learning_curve *curve);
OWN_VALUE(learning_curve)
/* A measurement; the newer value of a step stands, earlier steps inform nobody again. ERR_NOMEM. */
MUST_USE int learning_curve_add(struct learning_curve *curve, int64_t step, double value,
                                struct err *err);

/* NULL: out of memory. */
struct past *past_create(struct shared_def *def);
struct past *past_hold(struct past *past);
void past_destroy(struct past *past);
OWN_POINTER(past)

/* A trial has ended. Cancelled and lost ones are not the configuration's fault and not kept. The
 * curve (may be empty) is copied. ERR_NOMEM. */
MUST_USE int past_append(struct past *past, const struct trial_row *row,
                         const struct curve_point *curve, size_t n_curve, struct err *err);
/* Copies the data. ERR_NOMEM. */
MUST_USE int past_add_fit(struct past *past, uint64_t n_seen, const void *data, size_t bytes,
                          struct err *err);

/* Takes the sources; before the first snapshot. */
void past_set_sources(struct past *past, struct sources *sources);

/* A history as of now with room for `n_pending` more observations. */
struct snapshot {
    struct past *past; /* held */
    struct history history;
    struct observation *items; /* owned; what history.items points to */
    struct fit *fits;          /* owned */
    size_t n_done;             /* of the items: finished ones */
    size_t cap;
    double *pending; /* owned: configurations of the pending ones */
    size_t n_points, cap_points;
    struct curve_point *points; /* owned: their curves */
};
MUST_USE int snapshot_init(struct snapshot *snapshot, struct past *past, size_t n_pending,
                           struct err *err);
void snapshot_finish(struct snapshot *snapshot);
/* The fits as of now: what was fitted to this history meanwhile need not be fitted again. For the
 * writer, as everything that reads the past. Without memory it keeps those it has. */
void snapshot_renew_fits(struct snapshot *snapshot);
/* Room for so many points of open trials' curves. ERR_NOMEM. */
MUST_USE int snapshot_reserve_points(struct snapshot *snapshot, size_t n, struct err *err);
/* Within the room that was asked for: a configuration that nobody has begun, … */
void snapshot_add_pending(struct snapshot *snapshot, uint64_t ordinal, const double x[]);
/* … one that is queued or trains, with its curve so far, … */
void snapshot_add_running(struct snapshot *snapshot, const struct trial_row *row,
                          const struct learning_curve *curve);
/* … and one that waits at a rung, which tells as much as one that was pruned there, for as long as
 * it waits. */
void snapshot_add_paused(struct snapshot *snapshot, const struct trial_row *row,
                         const struct learning_curve *curve);

#endif

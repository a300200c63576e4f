/* What a strategy may know: the trials of a study so far, as an immutable snapshot.
 *
 * Observations are in the order in which the trials got their final state (finished ones), then
 * pending ones in order of number. A snapshot is safe from any thread.
 *
 * A study with outcome constraints (metric_bound.h) gives each observation the values of the
 * bounded metrics beside those of the objectives. A strategy that models a bounded metric takes
 * observation_bounded() of each bound; one that ranks trials takes study_feasibility() and, among
 * trials that are not feasible, study_violation() in place of the objectives. */
#ifndef SERVER_DOMAIN_HISTORY_H
#define SERVER_DOMAIN_HISTORY_H

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/domain/study.h"

enum observation_kind {
    OBSERVED_COMPLETED,  /* the values are finite */
    OBSERVED_PRUNED,     /* the values are the last ones measured, at `step`; may be NaN */
    OBSERVED_FAILED,     /* informs: failed, oom, diverged */
    OBSERVED_INFEASIBLE, /* informs */
    OBSERVED_PENDING     /* queued, running or paused */
};

struct curve_point {
    int64_t step;
    double value; /* objective 0, as reported */
};

struct observation {
    int64_t number;   /* the trial's */
    uint64_t ordinal; /* 0: enqueued or imported */
    enum observation_kind kind;
    const double *config;  /* n_params doubles (space.h) */
    size_t n_values;       /* one an objective of the study; 0 when nothing was measured */
    const double *values;  /* as reported (not sign-flipped) */
    size_t n_bounded;      /* one a bound of the study; 0 when none is known */
    const double *bounded; /* the bounded metrics (metric_bound.h), as reported; NaN: not known */
    int64_t step;          /* resource the values were reached at; 0 without resource */
    size_t n_curve;        /* objective 0's curve, steps increasing; 0 when not kept */
    const struct curve_point *curve;
};

/* The value of an objective; NaN when there is none. */
static inline double observation_value(const struct observation *seen, size_t objective)
{
    return objective < seen->n_values ? seen->values[objective] : (double)NAN;
}

/* The value that counts for a bound of the study (def->bounds); NaN when there is none. It may be
 * infinite. Every kind of observation may have some: an infeasible or failed trial tells what it
 * measured before it ended, a pending one nothing. */
static inline double observation_bounded(const struct observation *seen, size_t bound)
{
    return bound < seen->n_bounded ? seen->bounded[bound] : (double)NAN;
}

/* The values for study_feasibility() and constraint_violation(); NULL: none is known. */
static inline const double *observation_all_bounded(const struct observation *seen)
{
    return seen->n_bounded > 0 ? seen->bounded : NULL;
}

/* What was taken over from an older study when this one was made. The rows' x is in this study's
 * parameters, but no legal configuration (transfer.h); their one value is finite and counts in this
 * study's direction. */
struct source {
    char name[NAME_BYTES];
    size_t n;
    const struct observation *items; /* completed and pruned, in order of number */
};

struct history {
    size_t n;
    const struct observation *items;
    /* Fits stored by the study so far, oldest first (opaque to the store; see strategy/). */
    size_t n_fits;
    const struct fit *fits;
    /* The new fit of just this history, made before (strategy.h: fit); NULL: it is to be made. It
     * saves time and changes no suggestion. */
    const struct fit *made;
    /* The studies it comes after, in the order named; the same for all its life. */
    size_t n_sources;
    const struct source *sources;
    /* Set once the answer is of no use any more (common/stop.h); no part of what is known. */
    const atomic_bool *stop;
};

/* A model fit as a row: inputs of later suggestions, never recomputed. */
struct fit {
    uint64_t n_seen; /* finished observations it was made from */
    size_t bytes;
    const void *data;
};

#endif

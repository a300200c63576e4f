/* Maximisation in a box from several starts at once, in lock step.
 *
 * Each start is a projected L-BFGS run with backtracking. All runs are evaluated together, one call
 * per step, because a posterior answers many points at little more than the cost of one.
 * Deterministic. Nocedal & Wright (2006), algorithm 7.4. */
#ifndef SERVER_MODEL_OPTIMISE_H
#define SERVER_MODEL_OPTIMISE_H

#include <stddef.h>

#include "common/err.h"
#include "common/stop.h"

struct maximisation {
    size_t d; /* numbers of one point */
    size_t m; /* points */
    /* d × m: the unit of each number, such as its length scale; 0: the number stays as it is. */
    const double *scale;
    int steps;               /* calls of evaluate at most */
    const atomic_bool *stop; /* asks to end (common/stop.h), or NULL */
    void *context;
    /* value (m) and gradient (d × m) of the objective at x (d × m). */
    void (*evaluate)(void *context, const double x[], double value[], double gradient[]);
};

/* x (d × m) ← the best point of each run, in [0, 1]; value (m) ← the objective there, never less
 * than at the start. ERR_NOMEM; ERR_OVERLOADED: asked to stop, before the next call of evaluate. */
MUST_USE int maximise_in_box(const struct maximisation *maximisation, double x[], double value[],
                             struct err *err);

#endif

/* Climbs from several points of a box at once, in lock step.
 *
 * Each start is its own projected L-BFGS with backtracking; all of them are evaluated together, one
 * call a step, because a posterior answers many points for little more than one. Deterministic. */
#ifndef SERVER_MODEL_OPTIMISE_H
#define SERVER_MODEL_OPTIMISE_H

#include <stddef.h>

#include "common/err.h"

struct ascent {
    size_t d; /* numbers of one point */
    size_t m; /* points */
    /* d × m: the unit of each number, such as its length scale; > 0. 0: this number is held. */
    const double *scale;
    int steps; /* calls of evaluate at most */
    void *context;
    /* value (m) and gradient (d × m) of the function to climb at x (d × m). */
    void (*evaluate)(void *context, const double x[], double value[], double gradient[]);
};

/* x (d × m) ← where the climbs ended, in [0, 1] everywhere; value (m) there. Never worse than the
 * start. ERR_NOMEM. */
MUST_USE int ascend_box(const struct ascent *ascent, double x[], double value[], struct err *err);

#endif

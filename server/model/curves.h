/* Learning curves carried to their end.
 *
 * Trials are compared at a few levels of resource. From level to level the gain is regressed on the
 * value by ridge regression, shrunk by the scale from median to best; a trial that has not come to
 * the last level is carried there along the chain, and the chain's residual variance, with a prior
 * of half that scale worth two observations, is how uncertain the end is. */
#ifndef SERVER_MODEL_CURVES_H
#define SERVER_MODEL_CURVES_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum { CURVE_LEVELS_MAX = 64 };

/* Levels from the top down with ratio √eta, rounded half up, none below max(low, ⌈high/10⌉): 52, 3
 * → 6 10 17 30 52. Ascending; returns how many (at least 1). */
size_t curve_levels(int64_t low, int64_t high, double eta, int64_t levels[CURVE_LEVELS_MAX]);

/* value is n_levels × n: what each of n trials had at each level (costs, smaller is better), NaN
 * where it was not. end[i], var[i] ← its value carried to the last level and that value's variance
 * (0 for one that is there); NaN for a trial without values. ERR_NOMEM. */
MUST_USE int curves_carry(size_t n_levels, size_t n, const double value[], double end[],
                          double var[], struct err *err);

#endif

/* Learning curves extrapolated to the full resource.
 *
 * Trials are compared at a few levels of resource. From each level to the next the gain is
 * regressed on the value by ridge regression, with the penalty scaled by the distance from median
 * to best. The value of a trial that has not reached the last level is extrapolated along this
 * chain. Its variance is that of the accumulated residuals, with a prior of half that scale worth
 * two observations. */
#ifndef SERVER_MODEL_CURVES_H
#define SERVER_MODEL_CURVES_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum { CURVE_LEVELS_MAX = 64 };

/* Levels from `high` down with ratio √eta, rounded half up to multiples of `step`, none below
 * max(low, high/10 rounded up): for 52, step 1 and eta 3: 6 10 17 30 52. Ascending; returns how
 * many (at least 1). */
size_t curve_levels(int64_t low, int64_t high, int64_t step, double eta,
                    int64_t levels[CURVE_LEVELS_MAX]);

/* value (n_levels × n): the cost of each trial at each level (smaller is better), NaN where it was
 * not measured. end[i], var[i] ← the cost at the last level, extrapolated where needed, and its
 * variance (0 for a trial that reached it); NaN for a trial without values. ERR_NOMEM. */
MUST_USE int curves_extrapolate(size_t n_levels, size_t n, const double value[], double end[],
                                double var[], struct err *err);

#endif

/* Learning curves extrapolated to the full resource.
 *
 * Trials are compared at a few levels of resource. From each level to the next the gain is
 * regressed on the value and on the last gain, by a Bayesian linear regression with its conjugate
 * prior (Gelman et al., Bayesian Data Analysis, 3rd ed. 2013, section 14.8): the slopes are
 * N(0, 1/2²) and the residual has a standard deviation of a quarter of the level's scale, worth two
 * observations; the scale is the distance from the median to the best value at that level. A curve
 * that has not reached the last level is extrapolated along this chain, with the covariance of its
 * value and its gain. The variance includes that of the coefficients: it grows with the distance
 * from those curves that went on, up to three scales, so that a curve which begins unlike all of
 * them is not ruled out by them, and one that diverges is.
 *
 * The last gain matters: what a curve gains from level to level depends on what it gained before,
 * so that without it the residuals of successive levels are correlated. */
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

/* Returns the level below the `first` one, from which only the gain to the first is taken; 0 where
 * there is none. */
int64_t curve_level_below(int64_t low, int64_t first, int64_t step, double eta);

/* value (n_levels × n): the cost of each trial at each level (smaller is better), NaN where it was
 * not measured; before (n): at the level below the first one, NaN where unknown. end[i], var[i] ←
 * the cost at the last level, extrapolated where needed, and its variance (0 for a trial that
 * reached it); NaN for a trial without values. O(n_levels · n log n). ERR_NOMEM. Safe from any
 * thread. */
MUST_USE int curves_extrapolate(size_t n_levels, size_t n, const double value[],
                                const double before[], double end[], double var[], struct err *err);

#endif

/* The values that trials report: learning curves, and values without any shape.
 *
 * A curve depends on the seed, the trial and the step and on nothing else: a trial reports the
 * same value whichever worker trains it, and a restarted server can be compared with its
 * predecessor. */
#ifndef TESTS_SIM_COMMON_CURVES_H
#define TESTS_SIM_COMMON_CURVES_H

#include <stdbool.h>

#include "common/rng.h"

struct curves {
    uint64_t seed;
    unsigned broken; /* of 1000 trials, whose value is NaN from some step on */
};

/* A loss that falls like 1 / sqrt(step), with a level, a speed and some noise of the trial's own;
 * NaN where the trial is broken. */
double curves_value(const struct curves *curves, int64_t trial, int64_t step);
bool curves_is_broken(const struct curves *curves, int64_t trial, int64_t step);
/* The forecast at this step: the chance, in [0, 0.5), to beat the incumbent. */
double curves_forecast(const struct curves *curves, int64_t trial, int64_t step);

/* A loss in (0, 1) that depends on nothing: 0.001 to 0.999. */
double curves_draw(struct rng *rng);

#endif

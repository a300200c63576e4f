/* What the model sees of the results: centred, scaled, and bent where it explodes. */
#ifndef SERVER_MODEL_TRANSFORM_H
#define SERVER_MODEL_TRANSFORM_H

#include <stddef.h>

#include "common/err.h"

struct transform {
    double mean, sd;
    double knee,
        reach; /* beyond the knee a cost counts as knee + reach ln(1 + (cost − knee)/reach) */
};

/* The z-score of n costs (smaller is better, all finite), in the order of their trials, after the
 * bad tail was bent: beyond median + 3 (median − best) only the logarithm counts, so that a few
 * diverged trials cannot flatten what is good. The median is that of the first 20 trials, which is
 * not yet drawn towards the best by a search that works; the best is that of all. Strictly
 * monotone. Where all are equal, sd is 0 and everything maps to 0. */
MUST_USE int transform_fit(struct transform *transform, size_t n, const double cost[],
                           struct err *err);
/* The same with the median of all: among learning curves most are bad ones that were stopped early,
 * and what is left to tell apart are the good. */
MUST_USE int transform_fit_all(struct transform *transform, size_t n, const double cost[],
                               struct err *err);
double transform_apply(const struct transform *transform, double cost);
double transform_invert(const struct transform *transform, double z);

#endif

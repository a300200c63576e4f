/* The scale on which a model sees costs: centred, scaled, and with the upper tail compressed. */
#ifndef SERVER_MODEL_TRANSFORM_H
#define SERVER_MODEL_TRANSFORM_H

#include <stddef.h>

#include "common/err.h"

struct transform {
    double mean, sd;
    /* a cost above the knee counts as knee + reach ln(1 + (cost − knee)/reach) */
    double knee, reach;
};

/* The z-score of n finite costs (smaller is better), given in the order of their trials, after the
 * upper tail is compressed: beyond median + 3 (median − best) only the logarithm counts, so that a
 * few diverged trials do not hide the differences among good ones. The median is that of the first
 * 20 trials, which a successful search has not yet shifted; the best is that of all. Strictly
 * monotone. Where all costs are equal, sd is 0 and every cost maps to 0. ERR_NOMEM. */
MUST_USE int transform_fit(struct transform *transform, size_t n, const double cost[],
                           struct err *err);
/* The same with the median of all costs, for learning curves: most are bad ones that were stopped
 * early, and only the good ones need to be told apart. */
MUST_USE int transform_fit_all(struct transform *transform, size_t n, const double cost[],
                               struct err *err);
/* Returns the transformed cost. */
double transform_apply(const struct transform *transform, double cost);
/* Returns the cost of a transformed one; where all costs were equal, their mean. */
double transform_invert(const struct transform *transform, double transformed);
/* How fast the cost grows with the transformed one, at that cost: the factor of a small standard
 * deviation. 1 where all costs were equal. */
double transform_slope(const struct transform *transform, double cost);
/* The transformed cost that the search aims at, a goal or a limit, but at least `least` and at most
 * 1000. A value far out of reach would make every probability 0 to machine precision, or equal to
 * what the variance alone makes of it; one near the best seen says which way to go. */
double transform_target(const struct transform *transform, double cost, double least);

#endif

/* What the model sees of the results: centred, scaled, and protected against explosions. */
#ifndef SERVER_MODEL_TRANSFORM_H
#define SERVER_MODEL_TRANSFORM_H

#include <stddef.h>

#include "common/err.h"

struct transform {
    double mean, sd;
    double cut; /* costs beyond are taken for this much; INFINITY: none */
};

enum transform_cut { TRANSFORM_GATED, TRANSFORM_CUT };

/* The z-score of n costs (smaller is better, all finite). Gated: only when the worst lies more than
 * 300 (median − best) beyond the median is the bad tail cut, at median + 10 (median − best). Cut:
 * it always is, at median + 3 (median − best), as learning curves want it. Where all are equal, sd
 * is 0 and everything maps to 0. */
MUST_USE int transform_fit(struct transform *transform, size_t n, const double cost[],
                           enum transform_cut cut, struct err *err);
double transform_apply(const struct transform *transform, double cost);
double transform_invert(const struct transform *transform, double z);

#endif

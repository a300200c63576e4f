/* The hypervolume of points with several costs: the volume of what they dominate, up to a reference
 * point. All costs are minimised; a point that is not better than the reference in every cost adds
 * nothing. Pure; any thread. */
#ifndef SERVER_MODEL_HYPERVOLUME_H
#define SERVER_MODEL_HYPERVOLUME_H

#include <stddef.h>

#include "common/err.h"

/* *volume ← that of n points; cost (m × n, a point is a column), reference (m), m ≥ 1.
 *
 * Two costs: a sweep, O(n log n). More: the sum of what each point adds to those that are better in
 * the last cost, each by the same with one cost less (While, Bradstreet and Barone 2012, "A fast
 * way of calculating exact hypervolumes", WFG): O(n² log n) for three costs, for m of them at worst
 * O(n^(m−1) log n), on fronts far less. ERR_NOMEM. */
MUST_USE int hypervolume(size_t n, size_t m, const double cost[], const double reference[],
                         double *volume, struct err *err);

/* *added ← what the volume of n points gains by one more, `point` (m); 0 where they dominate it.
 *
 * The volume of the point alone without that of the n points limited to it (the exclusive
 * hypervolume of While, Bradstreet and Barone 2012). Few of these do not dominate each other, so it
 * costs far less than the whole volume; O(n f) for f that are left, and the volume of those f.
 * ERR_NOMEM. */
MUST_USE int hypervolume_added(size_t n, size_t m, const double cost[], const double reference[],
                               const double point[], double *added, struct err *err);

/* contribution[i] ← what the volume loses without the i-th point: 0 for a dominated point, and for
 * one of which there is another equal one. n + 1 times the cost of hypervolume(). ERR_NOMEM. */
MUST_USE int hypervolume_contributions(size_t n, size_t m, const double cost[],
                                       const double reference[], double contribution[],
                                       struct err *err);

#endif

/* Non-dominated sorting of points with several costs, all minimised.
 *
 * A point dominates another one if no cost of it is greater and one is less. The points that no
 * other one dominates, the front, have rank 0; those that only they dominate have rank 1, and so
 * on. Equal points share a rank. Deb et al. (2002), "A fast and elitist multiobjective genetic
 * algorithm: NSGA-II", §III; the sort is that of Zhang et al. (2015), ENS-SS. Pure; any thread. */
#ifndef SERVER_MODEL_NONDOMINATED_H
#define SERVER_MODEL_NONDOMINATED_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* Whether a dominates b; m costs each. */
bool nondominated_dominates(size_t m, const double a[], const double b[]);

/* rank[i] ← the rank of the i-th of n points; cost (m × n, a point is a column) has no NaN.
 * O(m n²) at worst, about O(m n √n) with many ranks. ERR_NOMEM. */
MUST_USE int nondominated_ranks(size_t n, size_t m, const double cost[], size_t rank[],
                                struct err *err);

/* front[0 … k-1] ← the points of rank 0, by increasing index, of equal ones the first; returns k.
 * Points with a cost that is not finite are left out. O(m n k). */
size_t nondominated_front(size_t n, size_t m, const double cost[], size_t front[]);

/* distance[i] ← the crowding distance of the i-th point among those of its rank: the sum over the
 * costs of the gap between its two neighbours, as a share of the range; INFINITY for the first and
 * the last in any cost (of equals, by index). `rank`: of nondominated_ranks(), or NULL: all points
 * are of one rank. O(m n log n). ERR_NOMEM. */
MUST_USE int nondominated_crowding(size_t n, size_t m, const double cost[], const size_t rank[],
                                   double distance[], struct err *err);

#endif

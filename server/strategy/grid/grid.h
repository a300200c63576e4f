/* The points of a finite space, numbered: counted exactly beforehand, and any one found by its
 * number without the others being written down.
 *
 * Conditions make a tree, not a product: a parameter that is inactive takes no part. The count
 * goes over classes of values that switch on the same children, so that a parent of a million
 * values costs no more than one of two, and parts that do not depend on each other are multiplied.
 * With constraints the points that violate them are left out, for which all are visited once.
 *
 * A grid belongs to its space, is immutable and safe from any thread. */
#ifndef SERVER_STRATEGY_GRID_GRID_H
#define SERVER_STRATEGY_GRID_GRID_H

#include "common/err.h"
#include "common/space.h"

#define GRID_CONSTRAINED_MAX UINT64_C(10000000) /* points before constraints */

struct grid;

/* How many values of the parameter a grid takes; 0: it is continuous and has no "grid". */
uint64_t grid_param_size(const struct param *param);
/* The k-th of them, increasing. Of ints and steps with fewer "grid" points than values: evenly
 * spread ones, on the parameter's scale. Continuous ones include both ends; of a normal
 * distribution they are the middles of equally probable parts. */
double grid_param_value(const struct param *param, uint64_t k);

/* Borrowed from the space, which keeps it. ERR_INVALID: a parameter without a finite number of
 * values, more than 2^63 - 1 points (10^7 with constraints), none that is legal, or conditions too
 * entangled to count. With constraints it takes up to some seconds the first time, and a bit a
 * point. */
MUST_USE int grid_of(const struct space *space, const struct grid **grid, struct err *err);
uint64_t grid_count(const struct grid *grid);
/* Point `index` < grid_count(); a few microseconds. */
void grid_point(const struct grid *grid, uint64_t index, double x[]);

#endif

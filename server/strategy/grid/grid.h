/* The points of a finite space, numbered: they are counted exactly, and each is computed from its
 * number without storing the others.
 *
 * With conditions the points form a tree, not a product: an inactive parameter has no value. Values
 * that activate the same children form a class and are counted together, so that a parent with a
 * million values costs no more than one with two; the counts of independent components are
 * multiplied. With constraints all points are visited once, to exclude those that violate them.
 *
 * A grid belongs to its space, is immutable, and may be used from any thread. */
#ifndef SERVER_STRATEGY_GRID_GRID_H
#define SERVER_STRATEGY_GRID_GRID_H

#include "common/err.h"
#include "common/space/space.h"

#define GRID_CONSTRAINED_MAX UINT64_C(10000000) /* points before constraints */
#define GRID_NODES_MAX UINT64_C(100000000)      /* of constraints, at all points: some 2 s */

struct search_grid;

/* *grid ← the grid of the space, which owns and caches it. ERR_INVALID: a parameter without a
 * finite number of values, more than 2^63 - 1 points (10^7 with constraints), no legal point, or
 * conditions too interdependent to count. With constraints the first call takes up to some seconds,
 * and the grid one bit per point. ERR_NOMEM. */
MUST_USE int grid_of(const struct space *space, const struct search_grid **grid, struct err *err);
/* The same for a study that is to be created: ERR_INVALID, too, where to count its points would
 * keep the caller for long, as all constraints at all points have more than GRID_NODES_MAX nodes.
 * Grids of older studies are counted whatever they cost. */
MUST_USE int grid_of_new(const struct space *space, const struct search_grid **grid,
                         struct err *err);
/* Returns how many points the grid has. */
uint64_t grid_count(const struct search_grid *grid);
/* Point `index` < grid_count(); a few microseconds. */
void grid_point(const struct search_grid *grid, uint64_t index, double x[]);

#endif

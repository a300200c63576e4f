/* The tree of conditions of a grid; used by the files of this folder only. */
#ifndef SERVER_STRATEGY_GRID_GRID_TREE_H
#define SERVER_STRATEGY_GRID_GRID_TREE_H

#include "common/err.h"
#include "server/strategy/grid/grid_classes.h"

struct grid_tree {
    const struct space *space;
    size_t n;
    struct grid_param *params;
    uint64_t total;
};

/* Builds the tree and counts its points; call grid_tree_finish() also after an error. */
MUST_USE int grid_tree_init(struct grid_tree *tree, const struct space *space, struct err *err);
void grid_tree_finish(struct grid_tree *tree);
/* x ← the configuration of this number; constraints are ignored. */
void grid_tree_point(const struct grid_tree *tree, uint64_t index, double x[]);
/* independent ← the parameters without conditions and children. Their values change fastest as the
 * number grows: the first with each point, the second whenever the first starts again, and so on.
 * Returns how many. */
size_t grid_tree_independent(const struct grid_tree *tree,
                             uint16_t independent[SPACE_GRID_PARAMS_MAX]);

#endif

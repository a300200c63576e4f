/* The tree of conditions behind a grid, for grid_tree.c and grid_points.c alone. */
#ifndef SERVER_STRATEGY_GRID_GRID_TREE_H
#define SERVER_STRATEGY_GRID_GRID_TREE_H

#include "server/strategy/grid/grid.h"

#define SIGNATURE_WORDS (SPACE_PARAMS_MAX / 64)

/* One bit for each child: does a value let it live? */
struct signature {
    uint64_t word[SIGNATURE_WORDS];
};

struct link {
    size_t child;
    size_t condition; /* of the child */
};

/* A value that some condition names. */
struct mention {
    uint64_t k;
    size_t kind;
    struct signature signature;
};

/* Values that switch on the same children; class 0 switches on none. */
struct value_class {
    uint64_t size;
    struct signature signature;
};

struct grid_param {
    uint64_t size;
    size_t n_links;
    struct link *links;
    size_t n_mentions;
    struct mention *mentions; /* by k */
    size_t n_classes;         /* 0 without links */
    struct value_class *classes;
    /* Everything below hangs on one parent each: then it is the same wherever it is met, and its
     * count, once known, is kept. */
    bool is_tree;
    uint64_t count; /* 0: not known yet */
};

struct grid_tree {
    const struct space *space;
    size_t n;
    struct grid_param *params;
    uint64_t total;
};

/* Builds and counts. `tree` is to be finished in any case. */
MUST_USE int grid_tree_init(struct grid_tree *tree, const struct space *space, struct err *err);
void grid_tree_finish(struct grid_tree *tree);
/* The configuration of that number; constraints are not looked at. */
void grid_tree_point(const struct grid_tree *tree, uint64_t index, double x[]);
/* The parameters that no condition touches, whose values change fastest as the number grows: the
 * first of them with each point, the next when that one has been through, and so on. Returns how
 * many. */
size_t grid_tree_alone(const struct grid_tree *tree, uint16_t alone[SPACE_PARAMS_MAX]);

#endif

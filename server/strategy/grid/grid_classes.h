/* Classes of values: those of a parameter that activate the same children. */
#ifndef SERVER_STRATEGY_GRID_GRID_CLASSES_H
#define SERVER_STRATEGY_GRID_GRID_CLASSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/space/space.h"

#define SIGNATURE_WORDS (SPACE_GRID_PARAMS_MAX / 64)

/* One bit for each child: whether a value activates it. */
struct signature {
    uint64_t word[SIGNATURE_WORDS];
};

struct child_link {
    size_t child;
    size_t condition; /* of the child */
};

/* A value that a condition names. */
struct named_value {
    uint64_t k;
    size_t kind;
    struct signature signature;
};

/* Values that activate the same children; class 0 activates none. */
struct value_class {
    uint64_t size;
    struct signature signature;
};

struct grid_param {
    uint64_t size;
    size_t n_children;
    struct child_link *children;
    size_t n_named_values;
    struct named_value *named_values; /* by k */
    size_t n_classes;                 /* 0 without links */
    struct value_class *classes;
    /* Every parameter below has one condition: the count of this subtree is then always the same,
     * and is stored once known. */
    bool is_tree;
    uint64_t count; /* 0: not known yet */
};

/* Sets size, children and classes of the parent, which is parameter i. -1: out of memory. */
MUST_USE int grid_param_classify(struct grid_param *parent, const struct space *space, size_t i);
/* The index of the value that is the `within`-th of its class. */
uint64_t grid_class_value(const struct grid_param *parent, size_t kind, uint64_t within);

#endif

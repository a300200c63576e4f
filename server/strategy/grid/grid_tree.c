#include "server/strategy/grid/grid_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/strategy/grid/grid_links.h"

#define STEPS_MAX 1000000
#define GRID_TOTAL_MAX ((uint64_t)INT64_MAX)

/* What is decided so far: which conditions of each parameter are still open. */
#define DEAD UINT32_MAX

struct fate {
    uint32_t open[SPACE_PARAMS_MAX]; /* one bit a condition; DEAD: inactive */
};

struct group {
    size_t n;
    uint16_t item[SPACE_PARAMS_MAX]; /* parents before children */
};

struct walk {
    const struct grid_tree *tree;
    struct grid_param *learn; /* where counts are kept while the tree is built; NULL later */
    uint64_t steps;
    struct err *err;
};

static int count_group(struct walk *walk, const struct fate *fate, const struct group *group,
                       uint64_t *total);

static int too_many(struct walk *walk)
{
    return err_set(walk->err, ERR_INVALID,
                   "the grid has more than 2^63 - 1 points; give \"grid\" counts, larger steps or "
                   "narrower ranges");
}

static int multiply(struct walk *walk, uint64_t *total, uint64_t by)
{
    if (__builtin_mul_overflow(*total, by, total) || *total > GRID_TOTAL_MAX) {
        return too_many(walk);
    }
    return 0;
}

/* A parameter that hangs on nobody and on whom nobody hangs. */
static bool stands_alone(const struct walk *walk, const struct fate *fate, size_t i)
{
    const struct grid_param *param = &walk->tree->params[i];

    if (fate->open[i] != 0) {
        return false;
    }
    for (size_t l = 0; l < param->n_links; l++) {
        if (fate->open[param->links[l].child] != DEAD) {
            return false;
        }
    }
    return true;
}

/* Decides for one class of the root's values: children live or die, and with them theirs. */
static void decide(const struct walk *walk, const struct group *group, size_t root, size_t kind,
                   struct fate *fate)
{
    const struct grid_param *parent = &walk->tree->params[root];
    const struct signature *signature = &parent->classes[kind].signature;

    for (size_t l = 0; l < parent->n_links; l++) {
        uint32_t *open = &fate->open[parent->links[l].child];
        if (*open == DEAD) {
            continue;
        }
        if ((signature->word[l / 64] >> (l % 64)) & 1) {
            *open &= ~(UINT32_C(1) << parent->links[l].condition);
        } else {
            *open = DEAD;
        }
    }
    for (size_t at = 0; at < group->n; at++) {
        size_t i = group->item[at];
        const struct param *param = &walk->tree->space->params[i];
        for (size_t c = 0; c < param->n_conditions && fate->open[i] != DEAD; c++) {
            if (fate->open[param->conditions[c].parent] == DEAD) {
                fate->open[i] = DEAD;
            }
        }
    }
}

static void keep_living(const struct group *group, const struct fate *fate, size_t but,
                        struct group *rest)
{
    rest->n = 0;
    for (size_t at = 0; at < group->n; at++) {
        if (group->item[at] != but && fate->open[group->item[at]] != DEAD) {
            rest->item[rest->n++] = group->item[at];
        }
    }
}

/* Moves the first item of `left`, and whatever hangs together with it by open conditions, to
 * `part`. */
static void take_part(const struct walk *walk, const struct fate *fate, struct group *left,
                      struct group *part)
{
    bool in[SPACE_PARAMS_MAX] = {false};
    bool grown = true;
    struct group others = {0};

    in[left->item[0]] = true;
    while (grown) {
        grown = false;
        for (size_t at = 0; at < left->n; at++) {
            size_t i = left->item[at];
            const struct param *param = &walk->tree->space->params[i];
            for (size_t c = 0; c < param->n_conditions; c++) {
                size_t parent = param->conditions[c].parent;
                if (((fate->open[i] >> c) & 1) && in[i] != in[parent]) {
                    in[i] = in[parent] = grown = true;
                }
            }
        }
    }
    part->n = 0;
    for (size_t at = 0; at < left->n; at++) {
        struct group *to = in[left->item[at]] ? part : &others;
        to->item[to->n++] = left->item[at];
    }
    memcpy(left->item, others.item, others.n * sizeof others.item[0]);
    left->n = others.n;
}

/* The first without open conditions whose value decides about somebody; there is one, since parts
 * of one parameter stand alone and conditions make no circle. */
static size_t part_root(const struct walk *walk, const struct fate *fate, const struct group *part)
{
    size_t at = 0;

    while (at + 1 < part->n
           && (fate->open[part->item[at]] != 0 || stands_alone(walk, fate, part->item[at]))) {
        at++;
    }
    return part->item[at];
}

/* The points of what is left when the root's value is of this class. */
static int count_class(struct walk *walk, const struct fate *fate, const struct group *part,
                       size_t root, size_t kind, uint64_t *points)
{
    struct fate decided = *fate;
    struct group rest;

    if (++walk->steps > STEPS_MAX) {
        return err_set(walk->err, ERR_INVALID,
                       "the conditions depend on each other too much for the grid to be counted; "
                       "use random or quasirandom");
    }
    decide(walk, part, root, kind, &decided);
    keep_living(part, &decided, root, &rest);
    return count_group(walk, &decided, &rest, points);
}

static int count_part(struct walk *walk, const struct fate *fate, const struct group *part,
                      uint64_t *total)
{
    size_t root = part_root(walk, fate, part);
    const struct grid_param *param = &walk->tree->params[root];

    if (param->count > 0) {
        *total = param->count;
        return 0;
    }
    *total = 0;
    for (size_t kind = 0; kind < param->n_classes; kind++) {
        uint64_t points = 1;
        if (param->classes[kind].size == 0) {
            continue;
        }
        TRY(count_class(walk, fate, part, root, kind, &points));
        TRY(multiply(walk, &points, param->classes[kind].size));
        if (__builtin_add_overflow(*total, points, total) || *total > GRID_TOTAL_MAX) {
            return too_many(walk);
        }
    }
    if (walk->learn != NULL && param->is_tree) {
        walk->learn[root].count = *total;
    }
    return 0;
}

/* Splits those that stand alone from those that hang together. */
static void split_alone(const struct walk *walk, const struct fate *fate, const struct group *group,
                        struct group *alone, struct group *joined)
{
    alone->n = joined->n = 0;
    for (size_t at = 0; at < group->n; at++) {
        struct group *to = stands_alone(walk, fate, group->item[at]) ? alone : joined;
        to->item[to->n++] = group->item[at];
    }
}

static int count_group(struct walk *walk, const struct fate *fate, const struct group *group,
                       uint64_t *total)
{
    struct group alone;
    struct group left;

    split_alone(walk, fate, group, &alone, &left);
    *total = 1;
    for (size_t at = 0; at < alone.n; at++) {
        TRY(multiply(walk, total, walk->tree->params[alone.item[at]].size));
    }
    while (left.n > 0) {
        struct group part = {0};
        uint64_t points = 1;
        take_part(walk, fate, &left, &part);
        TRY(count_part(walk, fate, &part, &points));
        TRY(multiply(walk, total, points));
    }
    return 0;
}

/* ---- number → point ---- */

static int place_group(struct walk *walk, const struct fate *fate, const struct group *group,
                       uint64_t index, double x[]);

static void place_value(struct walk *walk, size_t i, uint64_t k, double x[])
{
    x[i] = grid_param_value(&walk->tree->space->params[i], k);
}

static int place_part(struct walk *walk, const struct fate *fate, const struct group *part,
                      uint64_t index, double x[])
{
    size_t root = part_root(walk, fate, part);
    const struct grid_param *param = &walk->tree->params[root];

    for (size_t kind = 0; kind < param->n_classes; kind++) {
        uint64_t points = 1;
        uint64_t size = param->classes[kind].size;
        if (size == 0) {
            continue;
        }
        TRY(count_class(walk, fate, part, root, kind, &points));
        if (index >= size * points) {
            index -= size * points;
            continue;
        }
        struct fate decided = *fate;
        struct group rest;
        place_value(walk, root, grid_class_value(param, kind, index / points), x);
        decide(walk, part, root, kind, &decided);
        keep_living(part, &decided, root, &rest);
        return place_group(walk, &decided, &rest, index % points, x);
    }
    return 0;
}

static int place_group(struct walk *walk, const struct fate *fate, const struct group *group,
                       uint64_t index, double x[])
{
    struct group alone;
    struct group left;

    split_alone(walk, fate, group, &alone, &left);
    for (size_t at = 0; at < alone.n; at++) {
        uint64_t size = walk->tree->params[alone.item[at]].size;
        place_value(walk, alone.item[at], index % size, x);
        index /= size;
    }
    while (left.n > 0) {
        struct group part = {0};
        uint64_t points = 1;
        take_part(walk, fate, &left, &part);
        TRY(count_part(walk, fate, &part, &points));
        points = points > 0 ? points : 1; /* as it is: parameters have values */
        TRY(place_part(walk, fate, &part, index % points, x));
        index /= points;
    }
    return 0;
}

/* ---- the whole ---- */

static void start(const struct grid_tree *tree, struct fate *fate, struct group *group)
{
    group->n = tree->n;
    for (size_t at = 0; at < tree->n; at++) {
        size_t i = tree->space->order[at];
        group->item[at] = (uint16_t)i;
        fate->open[i] = (UINT32_C(1) << tree->space->params[i].n_conditions) - 1;
    }
}

/* From the leaves up. */
static void find_trees(struct grid_tree *tree)
{
    for (size_t at = tree->n; at-- > 0;) {
        struct grid_param *param = &tree->params[tree->space->order[at]];
        param->is_tree = true;
        for (size_t l = 0; l < param->n_links; l++) {
            size_t child = param->links[l].child;
            param->is_tree = param->is_tree && tree->params[child].is_tree
                             && tree->space->params[child].n_conditions == 1;
        }
    }
}

int grid_tree_init(struct grid_tree *tree, const struct space *space, struct err *err)
{
    struct walk walk = {.tree = tree, .err = err};
    struct fate fate;
    struct group all;

    *tree = (struct grid_tree){.space = space, .n = space->n_params};
    tree->params = calloc(tree->n, sizeof *tree->params);
    if (tree->params == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < tree->n; i++) {
        if (grid_param_size(&space->params[i]) == 0) {
            return err_set(err, ERR_INVALID,
                           "%s is continuous; give it \"grid\" points, a step or values",
                           space->params[i].name);
        }
        if (grid_param_link(&tree->params[i], space, i) != 0) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    find_trees(tree);
    walk.learn = tree->params;
    start(tree, &fate, &all);
    return count_group(&walk, &fate, &all, &tree->total);
}

void grid_tree_finish(struct grid_tree *tree)
{
    for (size_t i = 0; tree->params != NULL && i < tree->n; i++) {
        free(tree->params[i].links);
        free(tree->params[i].mentions);
        free(tree->params[i].classes);
    }
    free(tree->params);
    tree->params = NULL;
}

void grid_tree_point(const struct grid_tree *tree, uint64_t index, double x[])
{
    struct walk walk = {.tree = tree};
    struct fate fate;
    struct group all;

    for (size_t i = 0; i < tree->n; i++) {
        x[i] = (double)NAN;
    }
    start(tree, &fate, &all);
    /* What was counted once is counted again without fault: parts are smaller than the whole. */
    (void)place_group(&walk, &fate, &all, index, x);
}

size_t grid_tree_alone(const struct grid_tree *tree, uint16_t alone[SPACE_PARAMS_MAX])
{
    struct walk walk = {.tree = tree};
    struct fate fate;
    struct group all;
    struct group apart;
    struct group joined;

    start(tree, &fate, &all);
    split_alone(&walk, &fate, &all, &apart, &joined);
    memcpy(alone, apart.item, apart.n * sizeof alone[0]);
    return apart.n;
}

#include "server/strategy/grid/grid_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/strategy/grid/grid_values.h"

#define STEPS_MAX 1000000
#define GRID_TOTAL_MAX ((uint64_t)INT64_MAX)

#define INACTIVE UINT32_MAX

/* Which conditions of each parameter are not decided yet. */
struct activation {
    uint32_t open[SPACE_GRID_PARAMS_MAX]; /* one bit per condition, or INACTIVE */
};

struct param_group {
    size_t n;
    uint16_t item[SPACE_GRID_PARAMS_MAX]; /* parents before children */
};

struct traversal {
    const struct grid_tree *tree;
    struct grid_param *learn; /* where counts are stored while the tree is built; NULL later */
    uint64_t steps;
    struct err *err;
};

static int count_group(struct traversal *traversal, const struct activation *activation,
                       const struct param_group *param_group, uint64_t *total);

static int too_many(struct traversal *traversal)
{
    return err_set(traversal->err, ERR_INVALID,
                   "the grid has more than 2^63 - 1 points; give \"grid\" counts, larger steps or "
                   "narrower ranges");
}

static int multiply(struct traversal *traversal, uint64_t *total, uint64_t by)
{
    if (__builtin_mul_overflow(*total, by, total) || *total > GRID_TOTAL_MAX) {
        return too_many(traversal);
    }
    return 0;
}

/* Whether a parameter has no open condition and no child that may become active. */
static bool is_independent(const struct traversal *traversal, const struct activation *activation,
                           size_t i)
{
    const struct grid_param *param = &traversal->tree->params[i];

    if (activation->open[i] != 0) {
        return false;
    }
    for (size_t l = 0; l < param->n_children; l++) {
        if (activation->open[param->children[l].child] != INACTIVE) {
            return false;
        }
    }
    return true;
}

/* Activates or deactivates the descendants of the root for one class of its values. */
static void apply_class(const struct traversal *traversal, const struct param_group *param_group,
                        size_t root, size_t kind, struct activation *activation)
{
    const struct grid_param *parent = &traversal->tree->params[root];
    const struct signature *signature = &parent->classes[kind].signature;

    for (size_t l = 0; l < parent->n_children; l++) {
        uint32_t *open = &activation->open[parent->children[l].child];
        if (*open == INACTIVE) {
            continue;
        }
        if ((signature->word[l / 64] >> (l % 64)) & 1) {
            *open &= ~(UINT32_C(1) << parent->children[l].condition);
        } else {
            *open = INACTIVE;
        }
    }
    for (size_t at = 0; at < param_group->n; at++) {
        size_t i = param_group->item[at];
        const struct param *param = &traversal->tree->space->params[i];
        for (size_t c = 0; c < param->n_conditions && activation->open[i] != INACTIVE; c++) {
            if (activation->open[param->conditions[c].parent] == INACTIVE) {
                activation->open[i] = INACTIVE;
            }
        }
    }
}

static void keep_active(const struct param_group *param_group, const struct activation *activation,
                        size_t but, struct param_group *rest)
{
    rest->n = 0;
    for (size_t at = 0; at < param_group->n; at++) {
        if (param_group->item[at] != but && activation->open[param_group->item[at]] != INACTIVE) {
            rest->item[rest->n++] = param_group->item[at];
        }
    }
}

/* Moves the connected component of the first item of `left` (by open conditions) to `component`. */
static void take_component(const struct traversal *traversal, const struct activation *activation,
                           struct param_group *left, struct param_group *component)
{
    bool in[SPACE_GRID_PARAMS_MAX] = {false};
    bool grown = true;
    struct param_group others = {0};

    in[left->item[0]] = true;
    while (grown) {
        grown = false;
        for (size_t at = 0; at < left->n; at++) {
            size_t i = left->item[at];
            const struct param *param = &traversal->tree->space->params[i];
            for (size_t c = 0; c < param->n_conditions; c++) {
                size_t parent = param->conditions[c].parent;
                if (((activation->open[i] >> c) & 1) && in[i] != in[parent]) {
                    in[i] = in[parent] = grown = true;
                }
            }
        }
    }
    component->n = 0;
    for (size_t at = 0; at < left->n; at++) {
        struct param_group *to = in[left->item[at]] ? component : &others;
        to->item[to->n++] = left->item[at];
    }
    memcpy(left->item, others.item, others.n * sizeof others.item[0]);
    left->n = others.n;
}

/* The first parameter without open conditions that has active children. There is one: a component
 * of one parameter is independent, and conditions form no cycle. */
static size_t component_root(const struct traversal *traversal, const struct activation *activation,
                             const struct param_group *component)
{
    size_t at = 0;

    while (at + 1 < component->n
           && (activation->open[component->item[at]] != 0
               || is_independent(traversal, activation, component->item[at]))) {
        at++;
    }
    return component->item[at];
}

/* *points ← the points of the rest of the component when the value of the root is of this class. */
static int count_class(struct traversal *traversal, const struct activation *activation,
                       const struct param_group *component, size_t root, size_t kind,
                       uint64_t *points)
{
    struct activation decided = *activation;
    struct param_group rest;

    if (++traversal->steps > STEPS_MAX) {
        return err_set(traversal->err, ERR_INVALID,
                       "the conditions depend on each other too much for the grid to be counted; "
                       "use random or quasirandom");
    }
    apply_class(traversal, component, root, kind, &decided);
    keep_active(component, &decided, root, &rest);
    return count_group(traversal, &decided, &rest, points);
}

static int count_component(struct traversal *traversal, const struct activation *activation,
                           const struct param_group *component, uint64_t *total)
{
    size_t root = component_root(traversal, activation, component);
    const struct grid_param *param = &traversal->tree->params[root];

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
        TRY(count_class(traversal, activation, component, root, kind, &points));
        TRY(multiply(traversal, &points, param->classes[kind].size));
        if (__builtin_add_overflow(*total, points, total) || *total > GRID_TOTAL_MAX) {
            return too_many(traversal);
        }
    }
    if (traversal->learn != NULL && param->is_tree) {
        traversal->learn[root].count = *total;
    }
    return 0;
}

/* Separates independent parameters from the others. */
static void split_independent(const struct traversal *traversal,
                              const struct activation *activation,
                              const struct param_group *param_group,
                              struct param_group *independent, struct param_group *dependent)
{
    independent->n = dependent->n = 0;
    for (size_t at = 0; at < param_group->n; at++) {
        struct param_group *to =
            is_independent(traversal, activation, param_group->item[at]) ? independent : dependent;
        to->item[to->n++] = param_group->item[at];
    }
}

static int count_group(struct traversal *traversal, const struct activation *activation,
                       const struct param_group *param_group, uint64_t *total)
{
    struct param_group independent;
    struct param_group left;

    split_independent(traversal, activation, param_group, &independent, &left);
    *total = 1;
    for (size_t at = 0; at < independent.n; at++) {
        TRY(multiply(traversal, total, traversal->tree->params[independent.item[at]].size));
    }
    while (left.n > 0) {
        struct param_group component = {0};
        uint64_t points = 1;
        take_component(traversal, activation, &left, &component);
        TRY(count_component(traversal, activation, &component, &points));
        TRY(multiply(traversal, total, points));
    }
    return 0;
}

/* ---- from number to point -------------------------------------------------------------------- */

static int decode_group(struct traversal *traversal, const struct activation *activation,
                        const struct param_group *param_group, uint64_t index, double x[]);

static void decode_value(struct traversal *traversal, size_t i, uint64_t k, double x[])
{
    x[i] = grid_param_value(&traversal->tree->space->params[i], k);
}

static int decode_component(struct traversal *traversal, const struct activation *activation,
                            const struct param_group *component, uint64_t index, double x[])
{
    size_t root = component_root(traversal, activation, component);
    const struct grid_param *param = &traversal->tree->params[root];

    for (size_t kind = 0; kind < param->n_classes; kind++) {
        uint64_t points = 1;
        uint64_t size = param->classes[kind].size;
        if (size == 0) {
            continue;
        }
        TRY(count_class(traversal, activation, component, root, kind, &points));
        if (index >= size * points) {
            index -= size * points;
            continue;
        }
        struct activation decided = *activation;
        struct param_group rest;
        decode_value(traversal, root, grid_class_value(param, kind, index / points), x);
        apply_class(traversal, component, root, kind, &decided);
        keep_active(component, &decided, root, &rest);
        return decode_group(traversal, &decided, &rest, index % points, x);
    }
    return 0;
}

static int decode_group(struct traversal *traversal, const struct activation *activation,
                        const struct param_group *param_group, uint64_t index, double x[])
{
    struct param_group independent;
    struct param_group left;

    split_independent(traversal, activation, param_group, &independent, &left);
    for (size_t at = 0; at < independent.n; at++) {
        uint64_t size = traversal->tree->params[independent.item[at]].size;
        decode_value(traversal, independent.item[at], index % size, x);
        index /= size;
    }
    while (left.n > 0) {
        struct param_group component = {0};
        uint64_t points = 1;
        take_component(traversal, activation, &left, &component);
        TRY(count_component(traversal, activation, &component, &points));
        points = points > 0 ? points : 1; /* always true: parameters have values */
        TRY(decode_component(traversal, activation, &component, index % points, x));
        index /= points;
    }
    return 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void start(const struct grid_tree *tree, struct activation *activation,
                  struct param_group *param_group)
{
    param_group->n = tree->n;
    for (size_t at = 0; at < tree->n; at++) {
        size_t i = tree->space->order[at];
        param_group->item[at] = (uint16_t)i;
        activation->open[i] = (UINT32_C(1) << tree->space->params[i].n_conditions) - 1;
    }
}

/* From the leaves to the roots. */
static void find_trees(struct grid_tree *tree)
{
    for (size_t at = tree->n; at-- > 0;) {
        struct grid_param *param = &tree->params[tree->space->order[at]];
        param->is_tree = true;
        for (size_t l = 0; l < param->n_children; l++) {
            size_t child = param->children[l].child;
            param->is_tree = param->is_tree && tree->params[child].is_tree
                             && tree->space->params[child].n_conditions == 1;
        }
    }
}

int grid_tree_init(struct grid_tree *tree, const struct space *space, struct err *err)
{
    struct traversal traversal = {.tree = tree, .err = err};
    struct activation activation;
    struct param_group all;

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
        if (grid_param_classify(&tree->params[i], space, i) != 0) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    find_trees(tree);
    traversal.learn = tree->params;
    start(tree, &activation, &all);
    return count_group(&traversal, &activation, &all, &tree->total);
}

void grid_tree_finish(struct grid_tree *tree)
{
    for (size_t i = 0; tree->params != NULL && i < tree->n; i++) {
        free(tree->params[i].children);
        free(tree->params[i].named_values);
        free(tree->params[i].classes);
    }
    free(tree->params);
    tree->params = NULL;
}

void grid_tree_point(const struct grid_tree *tree, uint64_t index, double x[])
{
    struct traversal traversal = {.tree = tree};
    struct activation activation;
    struct param_group all;

    for (size_t i = 0; i < tree->n; i++) {
        x[i] = (double)NAN;
    }
    start(tree, &activation, &all);
    /* Cannot fail: the counts are those of grid_tree_init(). */
    (void)decode_group(&traversal, &activation, &all, index, x);
}

size_t grid_tree_independent(const struct grid_tree *tree,
                             uint16_t independent[SPACE_GRID_PARAMS_MAX])
{
    struct traversal traversal = {.tree = tree};
    struct activation activation;
    struct param_group all;
    struct param_group apart;
    struct param_group dependent;

    start(tree, &activation, &all);
    split_independent(&traversal, &activation, &all, &apart, &dependent);
    memcpy(independent, apart.item, apart.n * sizeof independent[0]);
    return apart.n;
}

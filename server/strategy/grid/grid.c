/* The legal points of a grid: all points of the tree or, with constraints, those that a bitmap
 * marks. */
#include "server/strategy/grid/grid.h"

#include <stdlib.h>

#include "server/strategy/grid/grid_tree.h"
#include "server/strategy/grid/grid_values.h"

#define BLOCK_WORDS 64 /* of the bitmap, for one entry of the running count */

struct search_grid {
    struct space_memo memo; /* first: how the space caches it */
    struct grid_tree tree;
    uint64_t count;
    uint64_t *marks;  /* NULL without constraints */
    uint32_t *before; /* legal points before each block */
};

static void search_grid_destroy(struct search_grid *grid)
{
    if (grid != NULL) {
        grid_tree_finish(&grid->tree);
        free(grid->marks);
        free(grid->before);
        free(grid);
    }
}
OWN_POINTER(search_grid)

static void destroy_cached(struct space_memo *memo)
{
    search_grid_destroy((struct search_grid *)(void *)memo);
}

/* Enumerates the points in order. Independent parameters are counted up in place, which is ten
 * times as fast as computing each point from its number. */
struct enumeration {
    const struct grid_tree *tree;
    size_t n_counters;
    uint16_t counter[SPACE_GRID_PARAMS_MAX];
    uint64_t at[SPACE_GRID_PARAMS_MAX];
    double x[SPACE_GRID_PARAMS_MAX];
};

static void enumeration_start(struct enumeration *enumeration, const struct grid_tree *tree)
{
    *enumeration = (struct enumeration){.tree = tree};
    enumeration->n_counters = grid_tree_independent(tree, enumeration->counter);
    grid_tree_point(tree, 0, enumeration->x);
}

/* Moves to point `index`, the one after the present point. */
static void enumeration_next(struct enumeration *enumeration, uint64_t index)
{
    for (size_t w = 0; w < enumeration->n_counters; w++) {
        size_t i = enumeration->counter[w];
        const struct param *param = &enumeration->tree->space->params[i];
        bool wraps = ++enumeration->at[w] == enumeration->tree->params[i].size;
        enumeration->at[w] = wraps ? 0 : enumeration->at[w];
        enumeration->x[i] = grid_param_value(param, enumeration->at[w]);
        if (!wraps) {
            return;
        }
    }
    grid_tree_point(enumeration->tree, index, enumeration->x); /* all counters start again */
}

/* Visits every point once. */
static int mark_legal(struct search_grid *grid, struct err *err)
{
    uint64_t total = grid->tree.total;
    size_t n_words = (size_t)(total / 64 + 1);
    struct enumeration enumeration;

    grid->marks = calloc(n_words, sizeof *grid->marks);
    grid->before = calloc(n_words / BLOCK_WORDS + 1, sizeof *grid->before);
    if (grid->marks == NULL || grid->before == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    enumeration_start(&enumeration, &grid->tree);
    for (uint64_t index = 0; index < total; index++) {
        if (index % (64 * BLOCK_WORDS) == 0) {
            grid->before[index / (64 * BLOCK_WORDS)] = (uint32_t)grid->count;
        }
        if (index > 0) {
            enumeration_next(&enumeration, index);
        }
        if (space_satisfies(grid->tree.space, enumeration.x)) {
            grid->marks[index / 64] |= UINT64_C(1) << (index % 64);
            grid->count++;
        }
    }
    if (grid->count == 0) {
        return err_set(err, ERR_INVALID,
                       "no point of the grid satisfies the constraints; loosen them or take more "
                       "points");
    }
    return 0;
}

static int apply_constraints(struct search_grid *grid, struct err *err)
{
    if (grid->tree.space->n_constraints == 0) {
        grid->count = grid->tree.total;
        return 0;
    }
    if (grid->tree.total > GRID_CONSTRAINED_MAX) {
        return err_set(
            err, ERR_INVALID,
            "with constraints a grid may have at most 10000000 points before they apply, "
            "and this one has %llu; take fewer points, or use random or quasirandom",
            (unsigned long long)grid->tree.total);
    }
    return mark_legal(grid, err);
}

static int check_work(const struct grid_tree *tree, struct err *err)
{
    uint64_t n_nodes = space_constraint_nodes(tree->space);

    if (n_nodes == 0 || tree->total <= GRID_NODES_MAX / n_nodes) {
        return 0;
    }
    return err_set(err, ERR_INVALID,
                   "too large to count: with constraints as long as these (%llu operations, names "
                   "and numbers) a grid may have at most %llu points before they apply, and this "
                   "one has %llu; take fewer points, shorten the constraints, or use random or "
                   "quasirandom",
                   (unsigned long long)n_nodes, (unsigned long long)(GRID_NODES_MAX / n_nodes),
                   (unsigned long long)tree->total);
}

static int make_grid(const struct space *space, bool is_new, const struct space_memo **kept,
                     struct err *err)
{
    OWN(search_grid) struct search_grid *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->memo.destroy = destroy_cached;
    TRY(grid_tree_init(&made->tree, space, err));
    if (is_new && made->tree.total <= GRID_CONSTRAINED_MAX) {
        TRY(check_work(&made->tree, err));
    }
    TRY(apply_constraints(made, err));
    *kept = space_memo_keep(space, &made->memo);
    made = NULL;
    return 0;
}

static int find_grid(const struct space *space, bool is_new, const struct search_grid **grid,
                     struct err *err)
{
    const struct space_memo *kept = space_memo_borrow(space);

    if (space->n_params > SPACE_GRID_PARAMS_MAX) {
        return err_set(err, ERR_INVALID, "a grid takes at most %d parameters, not %zu",
                       SPACE_GRID_PARAMS_MAX, space->n_params);
    }
    if (kept == NULL) {
        TRY(make_grid(space, is_new, &kept, err));
    }
    *grid = (const struct search_grid *)(const void *)kept;
    return 0;
}

int grid_of(const struct space *space, const struct search_grid **grid, struct err *err)
{
    return find_grid(space, false, grid, err);
}

int grid_of_new(const struct space *space, const struct search_grid **grid, struct err *err)
{
    return find_grid(space, true, grid, err);
}

uint64_t grid_count(const struct search_grid *grid)
{
    return grid->count;
}

/* The number of the `rank`-th marked point. */
static uint64_t find_marked(const struct search_grid *grid, uint64_t rank)
{
    size_t low = 0;
    size_t high = (size_t)((grid->tree.total - 1) / (64 * BLOCK_WORDS)) + 1;

    while (high - low > 1) { /* the last block with before <= rank */
        size_t middle = low + (high - low) / 2;
        if (grid->before[middle] <= rank) {
            low = middle;
        } else {
            high = middle;
        }
    }
    uint64_t left = rank - grid->before[low];
    size_t at = low * BLOCK_WORDS;
    while (left >= (uint64_t)__builtin_popcountll(grid->marks[at])) {
        left -= (uint64_t)__builtin_popcountll(grid->marks[at++]);
    }
    uint64_t word = grid->marks[at];
    while (left-- > 0) {
        word &= word - 1;
    }
    return at * 64 + (uint64_t)__builtin_ctzll(word);
}

void grid_point(const struct search_grid *grid, uint64_t index, double x[])
{
    grid_tree_point(&grid->tree, grid->marks != NULL ? find_marked(grid, index) : index, x);
}

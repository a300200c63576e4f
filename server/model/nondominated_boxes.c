#include "server/model/nondominated_boxes.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/nondominated.h"

/* A local upper bound, and the points that define it: the k-th one has its k-th cost. All costs
 * are ranks: 0 stands for −∞, n + 1 for the reference. */
struct upper_bound {
    uint16_t u[BOX_COSTS_MAX];
    uint16_t z[BOX_COSTS_MAX][BOX_COSTS_MAX];
};

struct upper_bounds {
    size_t n, cap;
    struct upper_bound *items;
};

void nondominated_boxes_finish(struct nondominated_boxes *boxes)
{
    free(boxes->coord);
    free(boxes->items);
    *boxes = (struct nondominated_boxes){0};
}

/* ---- ranks ----------------------------------------------------------------------------------- */
struct ranked_cost {
    double cost;
    size_t point;
};

static int by_cost(const void *a, const void *b)
{
    const struct ranked_cost *x = a;
    const struct ranked_cost *y = b;

    if (x->cost < y->cost || x->cost > y->cost) {
        return x->cost < y->cost ? -1 : 1;
    }
    return (x->point > y->point) - (x->point < y->point);
}

/* Sets the coordinates, and rank (m × n) ← 1 … n, the rank of each cost of each point. */
static int rank_costs(struct nondominated_boxes *boxes, size_t n, const double front[],
                      const double reference[], uint16_t rank[], struct err *err)
{
    OWN(memory) struct ranked_cost *sorted = calloc(n + 1, sizeof *sorted);
    size_t m = boxes->m;

    boxes->n_coords = n + 2;
    boxes->coord = calloc(m * boxes->n_coords, sizeof *boxes->coord);
    if (sorted == NULL || boxes->coord == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a front of %zu points", n);
    }
    for (size_t k = 0; k < m; k++) {
        double *coord = boxes->coord + k * boxes->n_coords;
        for (size_t i = 0; i < n; i++) {
            sorted[i] = (struct ranked_cost){front[i * m + k], i};
        }
        qsort(sorted, n, sizeof *sorted, by_cost);
        coord[0] = -INFINITY;
        coord[n + 1] = reference[k];
        for (size_t i = 0; i < n; i++) {
            coord[i + 1] = sorted[i].cost;
            rank[sorted[i].point * m + k] = (uint16_t)(i + 1);
        }
    }
    return 0;
}

/* ---- local upper bounds ---------------------------------------------------------------------- */
static bool is_below(size_t m, const uint16_t z[], const uint16_t u[])
{
    for (size_t k = 0; k < m; k++) {
        if (z[k] >= u[k]) {
            return false;
        }
    }
    return true;
}

static int append(struct upper_bounds *bounds, const struct upper_bound *bound, struct err *err)
{
    if (bounds->n == bounds->cap) {
        size_t cap = bounds->cap == 0 ? 64 : 2 * bounds->cap;
        struct upper_bound *items = realloc(bounds->items, cap * sizeof *items);
        if (items == NULL) {
            return err_set(err, ERR_NOMEM, "no memory for %zu boxes", cap);
        }
        bounds->items = items;
        bounds->cap = cap;
    }
    bounds->items[bounds->n++] = *bound;
    return 0;
}

/* Adds the bound with its k-th cost lowered to that of the point z, if it is one. */
static int lower(struct upper_bounds *bounds, const struct upper_bound *from, size_t m, size_t k,
                 const uint16_t z[], struct err *err)
{
    struct upper_bound bound = *from;

    for (size_t j = 0; j < m; j++) {
        if (j != k && from->z[j][k] >= z[k]) {
            return 0;
        }
    }
    bound.u[k] = z[k];
    memcpy(bound.z[k], z, m * sizeof *z);
    return append(bounds, &bound, err);
}

/* Replaces the bounds that the point z is below. */
static int insert(struct upper_bounds *bounds, size_t m, const uint16_t z[], struct err *err)
{
    size_t n = bounds->n;
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        struct upper_bound bound = bounds->items[i];
        if (!is_below(m, z, bound.u)) {
            continue;
        }
        for (size_t k = 0; k < m; k++) {
            TRY(lower(bounds, &bound, m, k, z, err));
        }
    }
    for (size_t i = 0; i < bounds->n; i++) {
        if (i >= n || !is_below(m, z, bounds->items[i].u)) {
            bounds->items[kept++] = bounds->items[i];
        }
    }
    bounds->n = kept;
    return 0;
}

static int find_bounds(struct upper_bounds *bounds, size_t n, size_t m, const uint16_t rank[],
                       struct err *err)
{
    struct upper_bound whole = {{0}, {{0}}};

    for (size_t k = 0; k < m; k++) {
        whole.u[k] = whole.z[k][k] = (uint16_t)(n + 1);
    }
    TRY(append(bounds, &whole, err));
    for (size_t i = 0; i < n; i++) {
        TRY(insert(bounds, m, rank + i * m, err));
    }
    return 0;
}

/* The box of a bound: its j-th cost is above those of the points that define the costs before. */
static struct box box_of(const struct upper_bound *bound, size_t m)
{
    struct box box = {{0}, {0}};

    for (size_t j = 0; j < m; j++) {
        box.upper[j] = bound->u[j];
        for (size_t k = 0; k < j; k++) {
            box.lower[j] = bound->z[k][j] > box.lower[j] ? bound->z[k][j] : box.lower[j];
        }
    }
    return box;
}

static int take_boxes(struct nondominated_boxes *boxes, size_t n, const uint16_t rank[],
                      struct err *err)
{
    struct upper_bounds bounds = {0};
    int result = find_bounds(&bounds, n, boxes->m, rank, err);

    if (result == 0) {
        boxes->items = calloc(bounds.n, sizeof *boxes->items);
        result = boxes->items == NULL ? err_set(err, ERR_NOMEM, "no memory for boxes") : 0;
    }
    for (size_t i = 0; result == 0 && i < bounds.n; i++) {
        boxes->items[boxes->n++] = box_of(&bounds.items[i], boxes->m);
    }
    free(bounds.items);
    return result;
}

static bool is_better(size_t m, const double cost[], const double reference[])
{
    for (size_t k = 0; k < m; k++) {
        if (!(cost[k] < reference[k])) {
            return false;
        }
    }
    return true;
}

int nondominated_boxes_init(struct nondominated_boxes *boxes, size_t n, size_t m,
                            const double front[], const double reference[], struct err *err)
{
    OWN(memory) size_t *index = calloc(n + 1, sizeof *index);
    OWN(memory) double *kept = calloc(n * m + 1, sizeof *kept);
    OWN(memory) uint16_t *rank = calloc(n * m + 1, sizeof *rank);
    size_t n_kept = 0;

    assert(m >= 1 && m <= BOX_COSTS_MAX && n < UINT16_MAX - 1);
    *boxes = (struct nondominated_boxes){.m = m};
    if (index == NULL || kept == NULL || rank == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a front of %zu points", n);
    }
    size_t n_front = nondominated_front(n, m, front, index);
    for (size_t i = 0; i < n_front; i++) {
        const double *cost = front + index[i] * m;
        if (is_better(m, cost, reference)) {
            memcpy(kept + m * n_kept++, cost, m * sizeof *kept);
        }
    }
    TRY(rank_costs(boxes, n_kept, kept, reference, rank, err));
    return take_boxes(boxes, n_kept, rank, err);
}

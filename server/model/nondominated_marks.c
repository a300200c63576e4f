#include "server/model/nondominated_marks.h"

#include <stdint.h>
#include <stdlib.h>

#include "common/own.h"

enum { FEW_PAIRS = 256 }; /* are compared one by one */

/* A point, its costs replaced by their places among all different ones: halving a range of places
 * divides the points, whatever the costs are. */
struct placed_point {
    const uint32_t *place; /* of each cost */
    size_t index;
    bool is_dominated;
};

struct marked_points {
    size_t m;
    struct placed_point *sorted;                 /* the different ones, in lexicographic order */
    struct placed_point **dominating, **checked; /* scratch, of as many each */
};

/* ---- places ---------------------------------------------------------------------------------- */
struct keyed_cost {
    double cost;
    size_t index;
};

static int by_cost(const void *a, const void *b)
{
    double x = ((const struct keyed_cost *)a)->cost;
    double y = ((const struct keyed_cost *)b)->cost;

    return (x > y) - (x < y);
}

static int find_places(size_t n, size_t m, const double cost[], uint32_t place[], struct err *err)
{
    OWN(memory) struct keyed_cost *sorted = calloc(n + 1, sizeof *sorted);

    if (sorted == NULL || n > UINT32_MAX) {
        return err_set(err, ERR_NOMEM, "no memory to compare %zu points", n);
    }
    for (size_t k = 0; k < m; k++) {
        for (size_t i = 0; i < n; i++) {
            sorted[i] = (struct keyed_cost){cost[i * m + k], i};
        }
        qsort(sorted, n, sizeof *sorted, by_cost);
        uint32_t at = 0;
        for (size_t i = 0; i < n; i++) {
            at += i > 0 && sorted[i].cost > sorted[i - 1].cost;
            place[sorted[i].index * m + k] = at;
        }
    }
    return 0;
}

static int by_places(const void *a, const void *b, void *context)
{
    const struct placed_point *x = a;
    const struct placed_point *y = b;
    size_t m = *(const size_t *)context;

    for (size_t k = 0; k < m; k++) {
        if (x->place[k] != y->place[k]) {
            return x->place[k] < y->place[k] ? -1 : 1;
        }
    }
    return 0;
}

/* ---- what one half dominates of the other -----------------------------------------------------
 */

/* No place of a from `from` on is greater. */
static bool covers(const struct placed_point *a, const struct placed_point *b, size_t from,
                   size_t m)
{
    for (size_t k = from; k < m; k++) {
        if (a->place[k] > b->place[k]) {
            return false;
        }
    }
    return true;
}

static void compare_all(const struct marked_points *points, struct placed_point *const by[],
                        size_t n_by, struct placed_point *const checked[], size_t n, size_t from)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n_by && !checked[i]->is_dominated; j++) {
            checked[i]->is_dominated = covers(by[j], checked[i], from, points->m);
        }
    }
}

struct place_range {
    uint32_t least, most;
};

static struct place_range range_of(struct placed_point *const of[], size_t n, size_t k)
{
    struct place_range range = {UINT32_MAX, 0};

    for (size_t i = 0; i < n; i++) {
        uint32_t place = of[i]->place[k];
        range.least = place < range.least ? place : range.least;
        range.most = place > range.most ? place : range.most;
    }
    return range;
}

/* Those up to the place come first; returns how many they are. */
static size_t divide(struct placed_point *of[], size_t n, size_t k, uint32_t place)
{
    size_t n_low = 0;

    for (size_t i = 0; i < n; i++) {
        struct placed_point *one = of[i];
        if (one->place[k] <= place) {
            of[i] = of[n_low];
            of[n_low++] = one;
        }
    }
    return n_low;
}

/* Those that are not marked yet come first; returns how many they are. */
static size_t leave_out_dominated(struct placed_point *of[], size_t n)
{
    size_t n_left = 0;

    for (size_t i = 0; i < n; i++) {
        struct placed_point *one = of[i];
        if (!one->is_dominated) {
            of[i] = of[n_left];
            of[n_left++] = one;
        }
    }
    return n_left;
}

/* Marks each checked point that one of `by` covers in the costs from k on; each of these comes
 * before each checked one in the costs before k. */
static void mark(const struct marked_points *points, struct placed_point *by[], size_t n_by,
                 struct placed_point *checked[], size_t n_checked, size_t k)
{
    size_t n = leave_out_dominated(checked, n_checked);

    if (n == 0 || n_by == 0) {
        return;
    }
    if (k == points->m || n_by * n <= FEW_PAIRS) {
        compare_all(points, by, n_by, checked, n, k);
        return;
    }
    struct place_range of_by = range_of(by, n_by, k);
    struct place_range of_checked = range_of(checked, n, k);
    if (of_by.most <= of_checked.least) {
        mark(points, by, n_by, checked, n, k + 1);
        return;
    }
    if (k + 1 == points->m) {
        for (size_t i = 0; i < n; i++) {
            checked[i]->is_dominated = checked[i]->place[k] >= of_by.least;
        }
        return;
    }
    uint32_t least = of_by.least < of_checked.least ? of_by.least : of_checked.least;
    uint32_t most = of_by.most > of_checked.most ? of_by.most : of_checked.most;
    uint32_t middle = least + (most - least) / 2;
    size_t low_by = divide(by, n_by, k, middle);
    size_t low = divide(checked, n, k, middle);
    mark(points, by, low_by, checked, low, k);
    mark(points, by, low_by, checked + low, n - low, k + 1);
    mark(points, by + low_by, n_by - low_by, checked + low, n - low, k);
}

/* ---- the whole --------------------------------------------------------------------------------
 */

/* Leaves the non-dominated ones of the n points from `from` on, in their order, where they began;
 * returns how many. Of these a later one dominates no earlier one. */
static size_t reduce(const struct marked_points *points, size_t from, size_t n)
{
    struct placed_point *of = points->sorted + from;

    if (n <= 1) {
        return n;
    }
    size_t half = n / 2;
    size_t n_first = reduce(points, from, half);
    size_t n_second = reduce(points, from + half, n - half);
    for (size_t i = 0; i < n_first; i++) {
        points->dominating[i] = &of[i];
    }
    for (size_t i = 0; i < n_second; i++) {
        points->checked[i] = &of[half + i];
    }
    mark(points, points->dominating, n_first, points->checked, n_second, 1);
    size_t kept = n_first;
    for (size_t i = 0; i < n_second; i++) {
        if (!of[half + i].is_dominated) {
            of[kept++] = of[half + i];
        }
    }
    return kept;
}

int nondominated_marks(size_t n, size_t m, const double cost[], bool is_dominated[],
                       struct err *err)
{
    OWN(memory) uint32_t *place = calloc(n * m + 1, sizeof *place);
    OWN(memory) struct placed_point *sorted = calloc(n + 1, sizeof *sorted);
    OWN(memory) struct placed_point **scratch = calloc(2 * n + 1, sizeof(struct placed_point *));
    OWN(memory) size_t *same = calloc(n + 1, sizeof *same); /* the first of those equal to it */
    size_t n_different = 0;

    if (place == NULL || sorted == NULL || scratch == NULL || same == NULL) {
        return err_set(err, ERR_NOMEM, "no memory to compare %zu points", n);
    }
    const struct marked_points points = {
        .m = m, .sorted = sorted, .dominating = scratch, .checked = scratch + n};
    TRY(find_places(n, m, cost, place, err));
    for (size_t i = 0; i < n; i++) {
        sorted[i] = (struct placed_point){.place = place + i * m, .index = i};
    }
    qsort_r(sorted, n, sizeof *sorted, by_places, &m);
    for (size_t i = 0; i < n; i++) {
        size_t index = sorted[i].index;
        bool is_new = n_different == 0 || by_places(&sorted[n_different - 1], &sorted[i], &m) != 0;
        if (is_new) {
            sorted[n_different++] = sorted[i];
        }
        same[index] = sorted[n_different - 1].index;
        is_dominated[index] = true;
    }
    size_t n_kept = reduce(&points, 0, n_different);
    for (size_t i = 0; i < n_kept; i++) {
        is_dominated[sorted[i].index] = false;
    }
    for (size_t i = 0; i < n; i++) {
        is_dominated[i] = is_dominated[same[i]];
    }
    return 0;
}

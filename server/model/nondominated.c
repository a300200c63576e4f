#include "server/model/nondominated.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/own.h"

bool nondominated_dominates(size_t m, const double a[], const double b[])
{
    bool is_better = false;

    for (size_t k = 0; k < m; k++) {
        if (a[k] > b[k]) {
            return false;
        }
        is_better = is_better || a[k] < b[k];
    }
    return is_better;
}

/* ---- ranks ----------------------------------------------------------------------------------- */
static const size_t none = SIZE_MAX;

/* A point in lexicographic order of its costs. */
struct sorted_point {
    const double *cost;
    size_t index;
    size_t m;
};

static int by_costs(const void *a, const void *b)
{
    const struct sorted_point *x = a;
    const struct sorted_point *y = b;

    for (size_t k = 0; k < x->m; k++) {
        if (x->cost[k] < y->cost[k] || x->cost[k] > y->cost[k]) {
            return x->cost[k] < y->cost[k] ? -1 : 1;
        }
    }
    return (x->index > y->index) - (x->index < y->index);
}

static bool are_equal(size_t m, const double a[], const double b[])
{
    for (size_t k = 0; k < m; k++) {
        if (a[k] < b[k] || a[k] > b[k]) {
            return false;
        }
    }
    return true;
}

/* Does a point of the rank dominate this one? The points of a rank are a list, the last first: one
 * near in the order is the likeliest. */
static bool is_dominated(size_t m, const struct sorted_point sorted[], size_t last,
                         const size_t before[], const double cost[])
{
    for (size_t j = last; j != none; j = before[j]) {
        if (nondominated_dominates(m, sorted[j].cost, cost)) {
            return true;
        }
    }
    return false;
}

int nondominated_ranks(size_t n, size_t m, const double cost[], size_t rank[], struct err *err)
{
    OWN(memory) struct sorted_point *sorted = calloc(n + 1, sizeof *sorted);
    OWN(memory) size_t *last = calloc(n + 1, sizeof *last);     /* of each rank */
    OWN(memory) size_t *before = calloc(n + 1, sizeof *before); /* in the rank of the i-th sorted */
    size_t n_ranks = 0;

    if (sorted == NULL || last == NULL || before == NULL) {
        return err_set(err, ERR_NOMEM, "no memory to sort %zu points", n);
    }
    for (size_t i = 0; i < n; i++) {
        sorted[i] = (struct sorted_point){cost + i * m, i, m};
    }
    qsort(sorted, n, sizeof *sorted, by_costs);
    for (size_t i = 0; i < n; i++) {
        const double *own = sorted[i].cost;
        size_t r = 0;
        if (i > 0 && are_equal(m, sorted[i - 1].cost, own)) {
            r = rank[sorted[i - 1].index];
        } else {
            while (r < n_ranks && is_dominated(m, sorted, last[r], before, own)) {
                r++;
            }
        }
        if (r == n_ranks) {
            last[n_ranks++] = none;
        }
        before[i] = last[r];
        last[r] = i;
        rank[sorted[i].index] = r;
    }
    return 0;
}

size_t nondominated_front(size_t n, size_t m, const double cost[], size_t front[])
{
    size_t n_front = 0;

    for (size_t i = 0; i < n; i++) {
        const double *own = cost + i * m;
        bool is_out = false;
        size_t kept = 0;
        for (size_t k = 0; k < m; k++) {
            is_out = is_out || !isfinite(own[k]);
        }
        for (size_t j = 0; j < n_front && !is_out; j++) {
            const double *other = cost + front[j] * m;
            is_out = are_equal(m, other, own) || nondominated_dominates(m, other, own);
        }
        for (size_t j = 0; j < n_front && !is_out; j++) {
            if (!nondominated_dominates(m, own, cost + front[j] * m)) {
                front[kept++] = front[j];
            }
        }
        if (!is_out) {
            front[kept++] = i;
            n_front = kept;
        }
    }
    return n_front;
}

/* ---- crowding -------------------------------------------------------------------------------- */
struct crowded_point {
    size_t rank;
    double value; /* of one cost */
    size_t index;
};

static int by_rank_and_value(const void *a, const void *b)
{
    const struct crowded_point *x = a;
    const struct crowded_point *y = b;

    if (x->rank != y->rank) {
        return x->rank < y->rank ? -1 : 1;
    }
    if (x->value < y->value || x->value > y->value) {
        return x->value < y->value ? -1 : 1;
    }
    return (x->index > y->index) - (x->index < y->index);
}

/* Adds the gaps of one cost within one rank: n > 0 points in order of that cost. */
static void add_gaps(size_t n, const struct crowded_point sorted[], double distance[])
{
    /* halves, as the range may be greater than the greatest number */
    double half_range = 0.5 * sorted[n - 1].value - 0.5 * sorted[0].value;

    distance[sorted[0].index] = INFINITY;
    distance[sorted[n - 1].index] = INFINITY;
    for (size_t i = 1; i + 1 < n && half_range > 0.0; i++) {
        double half_gap = 0.5 * sorted[i + 1].value - 0.5 * sorted[i - 1].value;
        distance[sorted[i].index] += half_gap / half_range;
    }
}

int nondominated_crowding(size_t n, size_t m, const double cost[], const size_t rank[],
                          double distance[], struct err *err)
{
    OWN(memory) struct crowded_point *sorted = calloc(n + 1, sizeof *sorted);

    if (sorted == NULL) {
        return err_set(err, ERR_NOMEM, "no memory to sort %zu points", n);
    }
    for (size_t i = 0; i < n; i++) {
        distance[i] = 0.0;
    }
    for (size_t k = 0; k < m; k++) {
        for (size_t i = 0; i < n; i++) {
            sorted[i] = (struct crowded_point){rank == NULL ? 0 : rank[i], cost[i * m + k], i};
        }
        qsort(sorted, n, sizeof *sorted, by_rank_and_value);
        for (size_t from = 0, to = 0; from < n; from = to) {
            while (to < n && sorted[to].rank == sorted[from].rank) {
                to++;
            }
            add_gaps(to - from, sorted + from, distance);
        }
    }
    return 0;
}

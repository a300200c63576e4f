#include "server/strategy/gp/result_subset.h"

#include <stdlib.h>
#include <string.h>

#include "common/own.h"

static int by_key(const void *a, const void *b)
{
    const struct result_key *x = a;
    const struct result_key *y = b;

    if (x->key < y->key || x->key > y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return (x->index > y->index) - (x->index < y->index);
}

static int by_index(const void *a, const void *b)
{
    size_t x = ((const struct result_key *)a)->index;
    size_t y = ((const struct result_key *)b)->index;

    return (x > y) - (x < y);
}

/* The squared distance of two points; categories that differ count ½. */
static double distance(const struct points *points, size_t i, size_t j)
{
    double sum = 0.0;

    for (size_t k = 0; k < points->n_num; k++) {
        double delta = points_num(points, i)[k] - points_num(points, j)[k];
        sum += delta * delta;
    }
    for (size_t k = 0; k < points->n_cat; k++) {
        sum += points_cat(points, i)[k] != points_cat(points, j)[k] ? 0.5 : 0.0;
    }
    return sum;
}

int result_subset_choose(const struct points *points, const double cost[],
                         const struct result_subset *subset, struct result_key order[],
                         struct err *err)
{
    size_t n = points->n;
    size_t k = subset->n;
    size_t best = subset->best;

    for (size_t i = 0; i < n; i++) {
        order[i] = (struct result_key){cost[i], i};
    }
    if (n <= k) {
        return 0;
    }
    qsort(order, n, sizeof *order, by_key);
    size_t top = order[0].index;
    if (subset->is_spread) {
        OWN(memory) struct result_key *rest = calloc(n - best, sizeof *rest);
        if (rest == NULL) {
            return err_set(err, ERR_NOMEM, "no memory for a model");
        }
        memcpy(rest, order + best, (n - best) * sizeof *rest);
        for (size_t i = best; i < k; i++) {
            order[i] = rest[(i - best) * (n - best) / (k - best)];
        }
    } else {
        for (size_t i = best; i < n; i++) {
            order[i].key = distance(points, order[i].index, top);
        }
        qsort(order + best, n - best, sizeof *order, by_key);
    }
    qsort(order, k, sizeof *order, by_index);
    return 0;
}

void result_subset_include(size_t result, const double cost[], size_t n, struct result_key order[])
{
    size_t worst = 0;

    for (size_t k = 0; k < n; k++) {
        if (order[k].index == result) {
            return;
        }
        worst = cost[order[k].index] > cost[order[worst].index] ? k : worst;
    }
    order[worst].index = result;
    qsort(order, n, sizeof *order, by_index);
}

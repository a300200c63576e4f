#include "server/model/hypervolume.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/own.h"
#include "server/model/nondominated.h"

/* A point with the cost by which it is sorted. */
struct keyed_point {
    double key;
    const double *cost;
};

/* For each number of costs, room for n points and for their order. */
struct scratch {
    size_t n, stride; /* the most points; costs of one */
    const double *reference;
    double *points;
    struct keyed_point *sorted;
};

static int by_key(const void *a, const void *b)
{
    double x = ((const struct keyed_point *)a)->key;
    double y = ((const struct keyed_point *)b)->key;

    return (x > y) - (x < y);
}

/* The area of points in order of their first cost. */
static double area(size_t n, const struct keyed_point sorted[], const double reference[])
{
    double bound = reference[1];
    double sum = 0.0;

    for (size_t i = 0; i < n; i++) {
        if (sorted[i].cost[1] < bound) {
            sum += (reference[0] - sorted[i].key) * (bound - sorted[i].cost[1]);
            bound = sorted[i].cost[1];
        }
    }
    return sum;
}

/* Whether no cost of a is greater than that of b: a dominates b, or they are equal. */
static bool covers(size_t m, const double a[], const double b[])
{
    for (size_t k = 0; k < m; k++) {
        if (a[k] > b[k]) {
            return false;
        }
    }
    return true;
}

/* Puts the new point, which no kept one covers, behind the kept ones, which it covers leave;
 * returns how many there are then. */
static size_t keep(size_t n_kept, size_t m, size_t stride, const double new[], double kept[])
{
    size_t n = 0;

    for (size_t j = 0; j < n_kept; j++) {
        if (!covers(m, new, kept + j * stride)) {
            if (n < j) {
                memcpy(kept + n * stride, kept + j * stride, m * sizeof *kept);
            }
            n++;
        }
    }
    if (n < n_kept) {
        memcpy(kept + n * stride, new, m * sizeof *kept);
    }
    return n + 1;
}

/* to ← the points, each cost raised to that of `own` where it is less, without dominated ones;
 * returns how many. Of equal ones one is kept. What covers one point likely covers the next, too,
 * and is looked at first. */
static size_t limit(size_t n, const struct keyed_point points[], size_t m, size_t stride,
                    const double own[], double to[])
{
    size_t n_kept = 0;
    size_t likely = 0;

    for (size_t i = 0; i < n; i++) {
        double *new = to + n_kept *stride;
        for (size_t k = 0; k < m; k++) {
            double cost = points[i].cost[k];
            new[k] = cost > own[k] ? cost : own[k];
        }
        if (likely < n_kept && covers(m, to + likely * stride, new)) {
            continue;
        }
        size_t j = 0;
        while (j < n_kept && !covers(m, to + j * stride, new)) {
            j++;
        }
        if (j < n_kept) {
            likely = j;
        } else {
            n_kept = keep(n_kept, m, stride, new, to);
            likely = n_kept - 1;
        }
    }
    return n_kept;
}

static double volume_within(const double cost[], size_t m, const double reference[])
{
    double product = 1.0;

    for (size_t k = 0; k < m; k++) {
        product *= reference[k] - cost[k];
    }
    return product;
}

/* The volume of n points in their first m costs, all better than the reference. */
static double volume_of(const struct scratch *scratch, size_t n, size_t m, const double points[])
{
    struct keyed_point *sorted = scratch->sorted + (m - 1) * scratch->n;
    const double *reference = scratch->reference;
    double sum = 0.0;

    if (n == 0) {
        return 0.0;
    }
    for (size_t i = 0; i < n; i++) {
        const double *cost = points + i * scratch->stride;
        sorted[i] = (struct keyed_point){m <= 2 ? cost[0] : -cost[m - 1], cost};
    }
    qsort(sorted, n, sizeof *sorted, by_key);
    if (m <= 2) {
        return m == 1 ? reference[0] - sorted[0].key : area(n, sorted, reference);
    }
    double *rest = scratch->points + (m - 2) * scratch->n * scratch->stride;
    for (size_t i = 0; i < n; i++) { /* the later ones are better in the last cost */
        const double *own = sorted[i].cost;
        size_t n_rest = limit(n - i - 1, sorted + i + 1, m - 1, scratch->stride, own, rest);
        sum += (reference[m - 1] - own[m - 1])
               * (volume_within(own, m - 1, reference) - volume_of(scratch, n_rest, m - 1, rest));
    }
    return sum;
}

static bool is_better(size_t m, const double cost[], const double reference[])
{
    for (size_t k = 0; k < m; k++) {
        if (!(cost[k] < reference[k]) || !isfinite(cost[k])) {
            return false;
        }
    }
    return true;
}

/* The volume without the point `left_out`; SIZE_MAX: of all. */
static int volume_without(size_t left_out, size_t n, size_t m, const double cost[],
                          const double reference[], double *volume, struct err *err)
{
    OWN(memory) double *points = calloc(n * m * m + 1, sizeof *points);
    OWN(memory) struct keyed_point *sorted = calloc(n * m + 1, sizeof *sorted);
    OWN(memory) size_t *front = calloc(n + 1, sizeof *front);
    size_t n_better = 0;

    if (points == NULL || sorted == NULL || front == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a hypervolume");
    }
    double *better = points + n * m * (m - 1); /* of all m costs */
    for (size_t i = 0; i < n; i++) {
        if (i != left_out && is_better(m, cost + i * m, reference)) {
            memcpy(better + m * n_better++, cost + i * m, m * sizeof *better);
        }
    }
    size_t n_front = nondominated_front(n_better, m, better, front);
    for (size_t i = 0; i < n_front; i++) {
        memmove(better + i * m, better + front[i] * m, m * sizeof *better);
    }
    const struct scratch scratch = {
        .n = n, .stride = m, .reference = reference, .points = points, .sorted = sorted};
    *volume = volume_of(&scratch, n_front, m, better);
    return 0;
}

int hypervolume(size_t n, size_t m, const double cost[], const double reference[], double *volume,
                struct err *err)
{
    return volume_without(SIZE_MAX, n, m, cost, reference, volume, err);
}

int hypervolume_added(size_t n, size_t m, const double cost[], const double reference[],
                      const double point[], double *added, struct err *err)
{
    OWN(memory) struct keyed_point *all = calloc(n + 1, sizeof *all);
    OWN(memory) double *limited = calloc((n + 1) * m, sizeof *limited);
    double others = 0.0;

    if (all == NULL || limited == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a hypervolume");
    }
    if (!is_better(m, point, reference)) {
        *added = 0.0;
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        all[i].cost = cost + i * m;
    }
    size_t n_limited = limit(n, all, m, m, point, limited);
    TRY(hypervolume(n_limited, m, limited, reference, &others, err));
    *added = fmax(volume_within(point, m, reference) - others, 0.0);
    return 0;
}

int hypervolume_contributions(size_t n, size_t m, const double cost[], const double reference[],
                              double contribution[], struct err *err)
{
    double all = 0.0;

    TRY(hypervolume(n, m, cost, reference, &all, err));
    for (size_t i = 0; i < n; i++) {
        double without = 0.0;
        TRY(volume_without(i, n, m, cost, reference, &without, err));
        contribution[i] = fmax(all - without, 0.0);
    }
    return 0;
}

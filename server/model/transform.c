#include "server/model/transform.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/own.h"

enum { REFERENCE = 20 };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sets the knee from the median of the first m and the best of all. */
static void find_knee(struct transform *transform, size_t n, const double cost[], size_t m,
                      double sorted[])
{
    double best = INFINITY;

    for (size_t i = 0; i < n; i++) {
        best = fmin(best, cost[i]);
    }
    memcpy(sorted, cost, m * sizeof *cost);
    qsort(sorted, m, sizeof *sorted, by_value);
    double median = 0.5 * sorted[(m - 1) / 2] + 0.5 * sorted[m / 2];
    double reach = 3.0 * (median - best);
    if (reach > 0.0 && isfinite(reach)) {
        transform->knee = median + reach;
        transform->reach = reach;
    }
}

static double compress_tail(const struct transform *transform, double cost)
{
    if (cost <= transform->knee) {
        return cost;
    }
    return transform->knee + transform->reach * log1p((cost - transform->knee) / transform->reach);
}

static int fit(struct transform *transform, size_t n, const double cost[], size_t m,
               struct err *err)
{
    OWN(memory) double *sorted = calloc(n + 1, sizeof *sorted);

    *transform = (struct transform){.knee = INFINITY};
    if (sorted == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for %zu results", n);
    }
    if (n == 0) {
        return 0;
    }
    find_knee(transform, n, cost, m, sorted);
    double scale = 0.0;
    for (size_t i = 0; i < n; i++) {
        sorted[i] = compress_tail(transform, cost[i]);
        scale = fmax(scale, fabs(sorted[i]));
    }
    double unit = scale > 0.0 ? scale : 1.0; /* avoids overflow of squares */
    double mean = 0.0;
    for (size_t i = 0; i < n; i++) {
        sorted[i] /= unit;
        mean += sorted[i] / (double)n;
    }
    double square = 0.0;
    bool differ = false;
    for (size_t i = 0; i < n; i++) {
        square += (sorted[i] - mean) * (sorted[i] - mean);
        differ = differ || sorted[i] < sorted[0] || sorted[i] > sorted[0];
    }
    transform->mean = mean * unit;
    transform->sd = differ ? sqrt(square / (double)n) * unit : 0.0;
    return 0;
}

int transform_fit(struct transform *transform, size_t n, const double cost[], struct err *err)
{
    return fit(transform, n, cost, n < REFERENCE ? n : REFERENCE, err);
}

int transform_fit_all(struct transform *transform, size_t n, const double cost[], struct err *err)
{
    return fit(transform, n, cost, n, err);
}

double transform_apply(const struct transform *transform, double cost)
{
    if (!(transform->sd > 0.0)) {
        return 0.0;
    }
    return (compress_tail(transform, cost) - transform->mean) / transform->sd;
}

double transform_invert(const struct transform *transform, double transformed)
{
    double cost = transform->mean + transform->sd * transformed;

    if (cost <= transform->knee) {
        return cost;
    }
    return transform->knee + transform->reach * expm1((cost - transform->knee) / transform->reach);
}

double transform_slope(const struct transform *transform, double cost)
{
    double sd = transform->sd > 0.0 ? transform->sd : 1.0;

    return cost <= transform->knee ? sd : sd * (1.0 + (cost - transform->knee) / transform->reach);
}

double transform_target(const struct transform *transform, double cost, double least)
{
    static const double farthest = 1e3;

    return fmin(fmax(transform_apply(transform, cost), least), farthest);
}

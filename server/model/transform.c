#include "server/model/transform.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/own.h"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double find_cut(size_t n, const double sorted[], enum transform_cut cut)
{
    double median = 0.5 * sorted[(n - 1) / 2] + 0.5 * sorted[n / 2];
    double reach = median - sorted[0];

    if (!(reach > 0.0) || (cut == TRANSFORM_GATED && sorted[n - 1] - median <= 300.0 * reach)) {
        return INFINITY;
    }
    return median + (cut == TRANSFORM_GATED ? 10.0 : 3.0) * reach;
}

int transform_fit(struct transform *transform, size_t n, const double cost[],
                  enum transform_cut cut, struct err *err)
{
    OWN(memory) double *sorted = calloc(n + 1, sizeof *sorted);

    *transform = (struct transform){.cut = INFINITY};
    if (sorted == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for %zu results", n);
    }
    if (n == 0) {
        return 0;
    }
    memcpy(sorted, cost, n * sizeof *cost);
    qsort(sorted, n, sizeof *sorted, by_value); /* sums in sorted order: any order, equal digits */
    transform->cut = find_cut(n, sorted, cut);
    double scale = fmax(fabs(sorted[0]), fabs(fmin(sorted[n - 1], transform->cut)));
    double unit = scale > 0.0 ? scale : 1.0; /* squares of huge costs must not overflow */
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sorted[i] = fmin(sorted[i], transform->cut) / unit;
        sum += sorted[i];
    }
    double mean = sum / (double)n;
    double square = 0.0;
    for (size_t i = 0; i < n; i++) {
        square += (sorted[i] - mean) * (sorted[i] - mean);
    }
    transform->mean = mean * unit;
    transform->sd = sorted[n - 1] > sorted[0] ? sqrt(square / (double)n) * unit : 0.0;
    return 0;
}

double transform_apply(const struct transform *transform, double cost)
{
    if (!(transform->sd > 0.0)) {
        return 0.0;
    }
    return (fmin(cost, transform->cut) - transform->mean) / transform->sd;
}

double transform_invert(const struct transform *transform, double z)
{
    return transform->mean + transform->sd * z;
}

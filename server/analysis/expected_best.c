#include "server/analysis/expected_best.h"

#include <math.h>
#include <stdlib.h>

static int rising(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return (*left > *right) - (*left < *right);
}

static int falling(const void *a, const void *b)
{
    return rising(b, a);
}

void expected_best_sort(size_t n, double values[], enum direction direction)
{
    if (n > 0) {
        qsort(values, n, sizeof *values, direction == DIRECTION_MAXIMIZE ? rising : falling);
    }
}

double expected_best(size_t n, const double values[], size_t draws)
{
    double sum = 0;
    double before = 0;

    for (size_t i = 0; i < n; i++) {
        double up_to = pow((double)(i + 1) / (double)n, (double)draws);
        sum += values[i] * (up_to - before);
        before = up_to;
    }
    return n == 0 ? (double)NAN : sum;
}

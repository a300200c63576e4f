#include "worker/bundle/run_times.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void run_times_note(struct run_times *run_times, double seconds, double steps)
{
    if (!(steps > 0)) {
        return;
    }
    run_times->seconds[run_times->next] = seconds / steps;
    run_times->next = (run_times->next + 1) % RUN_TIMES_KEPT;
    run_times->n += run_times->n < RUN_TIMES_KEPT;
}

static int by_size(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return (*left > *right) - (*left < *right);
}

double run_times_expected(const struct run_times *run_times, double steps)
{
    double sorted[RUN_TIMES_KEPT];
    size_t n = run_times->n;

    if (n == 0 || !(steps > 0)) {
        return (double)NAN;
    }
    memcpy(sorted, run_times->seconds, sizeof sorted);
    qsort(sorted, n, sizeof *sorted, by_size);
    double median = n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    return median * steps;
}

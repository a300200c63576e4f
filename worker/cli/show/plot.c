#include "worker/cli/show/plot.h"

#include <math.h>

void plot_bar(double done, double whole, size_t columns, struct buf *out)
{
    double share = whole > 0 && done > 0 ? done / whole : 0;
    size_t full = share >= 1  ? columns
                  : share > 0 ? (size_t)(share * (double)columns + 0.5)
                              : 0; /* also where it is none */

    if (full == 0 && share > 0 && columns > 0) {
        full = 1;
    }
    if (full == columns && share < 1 && columns > 0) {
        full = columns - 1;
    }
    for (size_t i = 0; i < columns; i++) {
        buf_puts(out, i < full ? "█" : "░");
    }
}

static void find_range(const double values[], size_t n, double *low, double *high)
{
    *low = (double)INFINITY;
    *high = (double)-INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(values[i])) {
            *low = fmin(*low, values[i]);
            *high = fmax(*high, values[i]);
        }
    }
}

double plot_part(double value, double low, double high)
{
    double half = high / 2 - low / 2; /* halved, so that the whole range cannot overflow */

    return half > 0 ? (value / 2 - low / 2) / half : 0.5;
}

void plot_spark(const double values[], size_t n, struct buf *out)
{
    static const char *const levels[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    enum { N_LEVELS = sizeof levels / sizeof levels[0] };
    double low, high;

    find_range(values, n, &low, &high);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i])) {
            buf_putc(out, ' ');
            continue;
        }
        size_t level = (size_t)(plot_part(values[i], low, high) * N_LEVELS);
        buf_puts(out, levels[level < N_LEVELS ? level : N_LEVELS - 1]);
    }
}

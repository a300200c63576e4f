#include "server/report/axis.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

void axis_init(struct axis *axis, double low, double high, bool is_log)
{
    axis->is_log = is_log && low > 0;
    if (!(high > low)) {
        double pad = low == 0 ? 1 : fabs(low) / 10;
        high = low + pad;
        low = axis->is_log ? low / 1.1 : low - pad;
    }
    axis->low = low;
    axis->high = high;
    axis->from = 0;
    axis->to = 1;
}

static double share(const struct axis *axis, double value)
{
    if (axis->is_log) {
        return value <= 0 ? 0 : log(value / axis->low) / log(axis->high / axis->low);
    }
    double half_low = axis->low / 2; /* the span of two large numbers may be infinite */
    return (value / 2 - half_low) / (axis->high / 2 - half_low);
}

double axis_place(const struct axis *axis, double value)
{
    if (isnan(value)) {
        return value;
    }
    double inside = isinf(value) ? (value > 0 ? 1 : 0) : fmin(fmax(share(axis, value), 0), 1);
    return axis->from + inside * (axis->to - axis->from);
}

bool axis_holds(const struct axis *axis, double value)
{
    return value >= axis->low && value <= axis->high;
}

/* The round number at or above `rough`: 1, 2 or 5 times a power of ten. */
static double round_step(double rough)
{
    double power = pow(10, floor(log10(rough)));
    double first = rough / power;

    return power * (first <= 1 ? 1 : first <= 2 ? 2 : first <= 5 ? 5 : 10);
}

static size_t linear_ticks(const struct axis *axis, double step, double ticks[AXIS_TICKS])
{
    double first = ceil(axis->low / step - 1e-9);
    size_t n = 0;

    for (double k = first; n < AXIS_TICKS && k * step <= axis->high * (1 + 1e-12) + step * 1e-9;
         k++) {
        ticks[n++] = k * step;
    }
    return n;
}

/* Powers of ten; where there are many, those with a round exponent. */
static size_t log_ticks(const struct axis *axis, size_t wanted, double ticks[AXIS_TICKS])
{
    double first = ceil(log10(axis->low) - 1e-9);
    double last = floor(log10(axis->high) + 1e-9);
    double every = fmax(1, round_step((last - first + 1) / (double)wanted));
    size_t n = 0;

    for (double k = ceil(first / every) * every; k <= last && n < AXIS_TICKS; k += every) {
        ticks[n++] = pow(10, k);
    }
    return n;
}

/* Less than two decades: 1, 2 and 5 times a power of ten. */
static size_t short_log_ticks(const struct axis *axis, double ticks[AXIS_TICKS])
{
    static const double firsts[] = {1, 2, 5};
    double power = pow(10, floor(log10(axis->low)));
    size_t n = 0;

    for (int k = 0; k < 9 && n < AXIS_TICKS; k++) {
        int decade = k / 3;
        double tick = firsts[k % 3] * power * pow(10, decade);
        if (tick >= axis->low * (1 - 1e-9) && tick <= axis->high * (1 + 1e-9)) {
            ticks[n++] = tick;
        }
    }
    return n;
}

static double step_for(const struct axis *axis, size_t wanted)
{
    return round_step((axis->high / 2 - axis->low / 2) / (double)wanted * 2);
}

size_t axis_ticks(const struct axis *axis, size_t wanted, double ticks[AXIS_TICKS])
{
    size_t n = 0;

    if (axis->is_log) {
        n = axis->high / axis->low < 100 ? short_log_ticks(axis, ticks)
                                         : log_ticks(axis, wanted, ticks);
    }
    return n >= 2 ? n : linear_ticks(axis, step_for(axis, wanted), ticks);
}

size_t axis_whole_ticks(const struct axis *axis, size_t wanted, double ticks[AXIS_TICKS])
{
    if (axis->is_log) {
        return axis_ticks(axis, wanted, ticks);
    }
    return linear_ticks(axis, fmax(1, step_for(axis, wanted)), ticks);
}

/* ---- which values are shown ---- */

static int by_value(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return (*left > *right) - (*left < *right);
}

static double quantile(size_t n, const double sorted[], double share_below)
{
    return sorted[(size_t)(share_below * (double)(n - 1))];
}

/* A value is far where it lies beyond the better nine tenths by more than three times their span.
 */
static void leave_out_far(size_t n, const double sorted[], bool lower_is_better,
                          struct axis_range *range)
{
    double best = lower_is_better ? sorted[0] : sorted[n - 1];
    double usual = quantile(n, sorted, lower_is_better ? 0.9 : 0.1);
    double most = usual + 3 * (usual - best);

    if (n < 10 || range->is_log || !isfinite(most)) {
        return;
    }
    if (lower_is_better && range->high > most && usual > best) {
        range->high = most;
    } else if (!lower_is_better && range->low < most && usual < best) {
        range->low = most;
    }
    for (size_t i = 0; i < n; i++) {
        range->n_outside += sorted[i] < range->low || sorted[i] > range->high;
    }
}

/* So that no value lies on the frame. */
static void pad(struct axis_range *range)
{
    double share = 0.04;

    if (range->is_log) {
        double factor = pow(range->high / range->low, share);
        range->low /= factor;
        range->high *= factor;
    } else {
        double span = range->high / 2 - range->low / 2;
        range->low -= 2 * share * span;
        range->high += 2 * share * span;
    }
}

void axis_range_of(size_t n, double values[], bool lower_is_better, struct axis_range *range)
{
    size_t n_finite = 0;

    for (size_t i = 0; i < n; i++) {
        if (isfinite(values[i])) {
            values[n_finite++] = values[i];
        }
    }
    *range = (struct axis_range){.high = 1};
    if (n_finite == 0) {
        return;
    }
    qsort(values, n_finite, sizeof *values, by_value);
    range->low = values[0];
    range->high = values[n_finite - 1];
    range->is_log =
        values[0] > 0 && quantile(n_finite, values, 0.95) / quantile(n_finite, values, 0.05) > 100;
    leave_out_far(n_finite, values, lower_is_better, range);
    pad(range);
    range->low = fmax(range->low, -DBL_MAX);
    range->high = fmin(range->high, DBL_MAX);
}

#include "server/model/curves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/own.h"

static const double prior_sd = 0.5; /* of the scale, … */
static const double prior_n = 2.0;  /* … worth so many observations */

size_t curve_levels(int64_t low, int64_t high, int64_t step, double eta,
                    int64_t levels[CURVE_LEVELS_MAX])
{
    int64_t tenth = ((high + 9) / 10 + step - 1) / step * step;
    int64_t least = low > tenth ? low : tenth;
    int64_t down[CURVE_LEVELS_MAX] = {high};
    size_t n = 1;

    while (n < CURVE_LEVELS_MAX) {
        double exact = (double)high / pow(eta, 0.5 * (double)n) / (double)step;
        int64_t level = step * (int64_t)(exact + 0.5);
        if (level < least || level >= down[n - 1]) {
            break;
        }
        down[n++] = level;
    }
    for (size_t i = 0; i < n; i++) {
        levels[i] = down[n - 1 - i];
    }
    return n;
}

/* The regression from one level to the next: gain = alpha + beta (value − centre) ± √var. */
struct level_gain {
    double centre, alpha, beta, var;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* *scale ← median − best of all values, at least 1e-12; 1 without values. */
static int find_scale(size_t n, const double value[], double *scale, struct err *err)
{
    OWN(memory) double *sorted = calloc(n + 1, sizeof *sorted);
    size_t k = 0;

    if (sorted == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for learning curves");
    }
    for (size_t i = 0; i < n; i++) {
        if (!isnan(value[i])) {
            sorted[k++] = value[i];
        }
    }
    *scale = 1.0;
    if (k > 0) {
        qsort(sorted, k, sizeof *sorted, by_value);
        *scale = fmax(0.5 * (sorted[(k - 1) / 2] + sorted[k / 2]) - sorted[0], 1e-12);
    }
    return 0;
}

/* The ridge regression from level `at` to the next. */
static struct level_gain regress_gain(size_t n_levels, size_t n, const double value[], size_t at,
                                      double scale)
{
    double count = 0.0;
    double sum_u = 0.0;
    double sum_d = 0.0;
    double uu = scale * scale;
    double ud = 0.0;
    double residual = 0.0;
    struct level_gain gain = {0};

    for (size_t i = 0; i < n; i++) {
        const double *v = value + i * n_levels + at;
        if (!isnan(v[0]) && !isnan(v[1])) {
            count += 1.0;
            sum_u += v[0];
            sum_d += v[1] - v[0];
        }
    }
    gain.centre = count > 0.0 ? sum_u / count : 0.0;
    gain.alpha = count > 0.0 ? sum_d / (count + 0.5) : 0.0;
    for (size_t i = 0; i < n && count > 2.0; i++) {
        const double *v = value + i * n_levels + at;
        if (!isnan(v[0]) && !isnan(v[1])) {
            double u = v[0] - gain.centre;
            uu += u * u;
            ud += u * (v[1] - v[0] - sum_d / count);
        }
    }
    gain.beta = ud / uu;
    for (size_t i = 0; i < n; i++) {
        const double *v = value + i * n_levels + at;
        if (!isnan(v[0]) && !isnan(v[1])) {
            double r = v[1] - v[0] - gain.alpha - gain.beta * (v[0] - gain.centre);
            residual += r * r;
        }
    }
    double prior = prior_sd * scale;
    gain.var = (residual + prior_n * prior * prior) / (count + prior_n - (count > 2.0 ? 0.5 : 0.0));
    return gain;
}

/* Extrapolates one trial from the last level it has reached. */
static void extrapolate(size_t n_levels, const double value[], const struct level_gain gains[],
                        double *end, double *var)
{
    size_t at = n_levels;

    while (at > 0 && isnan(value[at - 1])) {
        at--;
    }
    *end = at == 0 ? (double)NAN : value[at - 1];
    *var = at == 0 ? (double)NAN : 0.0;
    for (; at > 0 && at < n_levels; at++) {
        const struct level_gain *gain = &gains[at - 1];
        *end += gain->alpha + gain->beta * (*end - gain->centre);
        *var = (1.0 + gain->beta) * (1.0 + gain->beta) * *var + gain->var;
    }
}

int curves_extrapolate(size_t n_levels, size_t n, const double value[], double end[], double var[],
                       struct err *err)
{
    struct level_gain gains[CURVE_LEVELS_MAX];
    double scale = 0.0;

    TRY(find_scale(n_levels * n, value, &scale, err));
    for (size_t at = 0; at + 1 < n_levels; at++) {
        gains[at] = regress_gain(n_levels, n, value, at, scale);
    }
    for (size_t i = 0; i < n; i++) {
        extrapolate(n_levels, value + i * n_levels, gains, &end[i], &var[i]);
    }
    return 0;
}

#include "server/model/ped_anova.h"

#include <math.h>
#include <stdlib.h>

#include "common/normal.h"
#include "common/own.h"

static const double least_width = 0.5 / 1.64; /* 90 % of a kernel within its own bin */
static const double floor_density = 1e-12;

size_t ped_anova_bin(double u)
{
    double at = floor(u * (PED_ANOVA_BINS - 1) + 0.5);

    return at <= 0.0 ? 0 : at >= PED_ANOVA_BINS - 1 ? PED_ANOVA_BINS - 1 : (size_t)at;
}

/* The first bin at which the running count reaches (or, with `past`, exceeds) `count`; the last
 * one that is not empty if none does. */
static double quantile(size_t bins, const double counts[], double count, bool past)
{
    double so_far = 0.0;
    double last = 0.0;

    for (size_t i = 0; i < bins; i++) {
        if (counts[i] > 0.0) {
            so_far += counts[i];
            last = (double)i;
            if (past ? so_far > count : so_far >= count) {
                break;
            }
        }
    }
    return last;
}

/* Scott's rule with the smaller of two spreads. */
static double width(size_t bins, const double counts[], double n)
{
    double mean = 0.0;
    double square = 0.0;

    for (size_t i = 0; i < bins; i++) {
        mean += counts[i] * (double)i / n;
    }
    for (size_t i = 0; i < bins; i++) {
        square += counts[i] * ((double)i - mean) * ((double)i - mean);
    }
    double sd = sqrt(square / fmax(1.0, n - 1.0));
    double range = quantile(bins, counts, floor(n * 3.0 / 4.0), true)
                   - quantile(bins, counts, floor(n / 4.0), false);
    return fmax(1.059 * fmin(range / 1.34, sd) * pow(n, -0.2), least_width);
}

/* Adds weight × a normal density around `mean`, truncated to the grid and summed over each bin. */
static void add_kernel(size_t bins, double mean, double sd, double weight, double density[])
{
    double low = normal_cdf((-0.5 - mean) / sd);
    double mass = normal_cdf(((double)bins - 0.5 - mean) / sd) - low;

    for (size_t i = 0; i < bins; i++) {
        double high = normal_cdf(((double)i + 0.5 - mean) / sd);
        density[i] += weight * (high - low) / mass;
        low = high;
    }
}

static void ordered_density(size_t bins, const double counts[], double n, double density[])
{
    double sd = width(bins, counts, n);

    for (size_t i = 0; i < bins; i++) {
        if (counts[i] > 0.0) {
            add_kernel(bins, (double)i, sd, counts[i] / (n + 1.0), density);
        }
    }
    add_kernel(bins, 0.5 * (double)(bins - 1), (double)bins, 1.0 / (n + 1.0), density);
}

static void category_density(size_t bins, const double counts[], double n, double density[])
{
    double kinds = 1.0; /* values that occur, and one for the prior */

    for (size_t i = 0; i < bins; i++) {
        kinds += counts[i] > 0.0 ? 1.0 : 0.0;
    }
    double base = 1.0 / kinds;
    for (size_t i = 0; i < bins; i++) {
        double own = (counts[i] + n * base) / (1.0 + (double)bins * base);
        density[i] = (own + 1.0 / (double)bins) / (n + 1.0);
    }
}

int ped_anova_divergence(const struct binned_values *values, double *divergence, struct err *err)
{
    size_t bins = values->n_bins;
    OWN(memory) double *work = calloc(4 * bins + 1, sizeof *work);
    double n_top = 0.0;
    double sum = 0.0;

    if (work == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for importances");
    }
    double *all_counts = work;
    double *top_counts = work + bins;
    double *all = work + 2 * bins;
    double *best = work + 3 * bins;
    for (size_t i = 0; i < values->n; i++) {
        all_counts[values->bin[i]] += 1.0;
        top_counts[values->bin[i]] += values->top[i] ? 1.0 : 0.0;
        n_top += values->top[i] ? 1.0 : 0.0;
    }
    if (n_top > 0.0 && bins > 1) {
        void (*density)(size_t, const double[], double, double[]) =
            values->is_category ? category_density : ordered_density;
        density(bins, all_counts, (double)values->n, all);
        density(bins, top_counts, n_top, best);
        for (size_t i = 0; i < bins; i++) {
            double p = all[i] + floor_density;
            double ratio = (best[i] + floor_density) / p - 1.0;
            sum += p * ratio * ratio;
        }
    }
    *divergence = sum;
    return 0;
}

/* PED-ANOVA: how much the value of a parameter influences whether a trial is among the best.
 *
 * The Pearson divergence between the density of a parameter's values over the best trials and over
 * all trials, both estimated by kernels on a grid. O(n) per parameter.
 * Watanabe, Bansal & Hutter (2023), arXiv 2304.10255. */
#ifndef SERVER_MODEL_PED_ANOVA_H
#define SERVER_MODEL_PED_ANOVA_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

enum { PED_ANOVA_BINS = 50 };

/* The bin of a position in [0, 1]: the nearest of 50 grid points, 0 and 1 among them. */
size_t ped_anova_bin(double u);

/* The values of one parameter, by bin. */
struct binned_values {
    size_t n;
    const size_t *bin; /* of each value, below n_bins */
    const bool *top;   /* whether its trial is among the best */
    size_t n_bins;
    bool is_category; /* else the bins are ordered */
};

/* Σ p_all (p_top/p_all − 1)² over the bins. Ordered bins have normal kernels of Scott's width;
 * kernels of categories have all other mass spread evenly. 0 without values, or without any among
 * the best. ERR_NOMEM. */
MUST_USE int ped_anova_divergence(const struct binned_values *values, double *divergence,
                                  struct err *err);

#endif

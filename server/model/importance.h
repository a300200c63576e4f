/* PED-ANOVA: how much a parameter has to do with being among the best.
 *
 * The Pearson divergence between the density of a parameter's values over the best trials and over
 * all of them, both by kernels on a grid. O(n) a parameter, no forest.
 * Watanabe, Bansal & Hutter (2023), arXiv 2304.10255. */
#ifndef SERVER_MODEL_IMPORTANCE_H
#define SERVER_MODEL_IMPORTANCE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

enum { IMPORTANCE_BINS = 50 };

/* The bin of a place in [0, 1]: the nearest of 50 grid points, 0 and 1 among them. */
size_t importance_bin(double u);

/* Σ p_all (p_top/p_all − 1)² for n values in bins 0 … bins-1, `top` saying which are among the
 * best. Ordered bins have normal kernels of Scott's width; categories kernels that keep to their
 * own. 0 where no value, or none of the best, is given. ERR_NOMEM. */
MUST_USE int importance_divergence(size_t n, const size_t bin[], const bool top[], size_t bins,
                                   bool is_category, double *divergence, struct err *err);

#endif

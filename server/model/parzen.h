/* Mixtures of product kernels over numbers in [0, 1] and categories: the densities of TPE.
 *
 * One component a configuration and a last one for the prior. A number's kernel is a normal
 * truncated to [0, 1], as wide as the larger gap to its neighbours (the prior's middle among them,
 * the ends of the range not) but not narrower than max(.03, (n+2)⁻²); where it has few values, the
 * mass over each.
 * A category's kernel gives 1 + 1/n to its own choice and 1/n to each other, normalised; where the
 * choices have shares s of the prior, 1 + k s/n and k s/n with k choices. Where a
 * component lacks a number (NaN) or a category (code −1) it is uniform there.
 * Watanabe, Tree-Structured Parzen Estimator (2023), arXiv 2304.11127. */
#ifndef SERVER_MODEL_PARZEN_H
#define SERVER_MODEL_PARZEN_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"
#include "common/rng.h"
#include "server/model/kernel.h"

struct parzen;

/* `x` (copied) holds n points; `weights` n numbers > 0 up to a factor (NULL: equal), the prior
 * weighs their mean. cells[k] is how many values the k-th number has, 0 for a continuous or fine
 * one; categories[k] describes the k-th category. O(n log n) a number. */
struct parzen_category {
    size_t choices;       /* how many it has */
    const double *shares; /* of the prior: those up to each choice, the last is 1; NULL: all alike.
                             Borrowed as long as the mixture lives */
};
MUST_USE int parzen_create(const struct points *x, const double weights[], const uint64_t cells[],
                           const struct parzen_category categories[], struct parzen **parzen,
                           struct err *err);
void parzen_destroy(struct parzen *parzen);
OWN_POINTER(parzen)

/* log density of each point of q (NaN and −1 where inactive: these do not count). `value` has
 * q->n positions. O(n d) a point. */
void parzen_log_density(const struct parzen *parzen, const struct points *q, double value[]);
/* One draw: num (in [0, 1], not rounded to cells) and cat; uniform where its component is. */
void parzen_draw(const struct parzen *parzen, struct rng *rng, double num[], int32_t cat[]);

#endif

/* Rank weights of source models: which older studies help, judged by order alone, because objective
 * values of different studies need not be comparable.
 *
 * The rank loss of a model is the share of pairs of results whose order it predicts wrongly. The
 * source models and this study's own model (by its leave-one-out predictions) are compared over all
 * results and over bootstrap samples of them. A source is excluded if its loss exceeds the 95th
 * percentile of the own model's losses, or .45 (.5 is chance). Each other source has as weight the
 * share of samples in which its loss is the smallest. The ensemble as a whole is weighted by the
 * share of samples in which at least one source is no worse than the own model, so that older
 * studies count less as this study learns more. After Feurer, Letham and Bakshy (2018), "Scalable
 * meta-learning for Bayesian optimization" (RGPE), §3. */
#ifndef SERVER_STRATEGY_GP_RANK_WEIGHTS_H
#define SERVER_STRATEGY_GP_RANK_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "server/domain/transfer.h"

enum { RANKED_MAX = 80 }; /* results; the cost grows with their square */

/* Results of this study and their predictions; smaller is better. */
struct rank_data {
    size_t n; /* results, at most RANKED_MAX */
    size_t n_sources;
    const double *y;                      /* n */
    const double *of_source[SOURCES_MAX]; /* n each; NULL: the source has no model */
    const double *own;                    /* n: leave-one-out predictions of this study's model */
};

struct rank_weights {
    double loss[SOURCES_MAX];   /* rank loss over all results; NaN: no model */
    double weight[SOURCES_MAX]; /* 0: excluded; the weights sum to 1 unless all are excluded */
    double own_loss;
    bool any;               /* at least one source is not excluded */
    double ensemble_weight; /* of the sources together, against the own model: 0 to 1 */
    double slope; /* of the regression of y on the weighted mean prediction, shrunk towards 1 */
};

/* Deterministic in its inputs. O(n² × sources × 100). */
void rank_weights_compute(const struct rank_data *data, uint64_t seed,
                          struct rank_weights *weights);

#endif

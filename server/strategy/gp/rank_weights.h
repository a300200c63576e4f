/* Which older studies help, judged by order alone: values of another study need not compare.
 *
 * A model errs on a pair of results when it puts them the wrong way round. The sources and this
 * study's own model (by its leave-one-out predictions) are judged by the share of pairs on which
 * they err, over all results and over bootstrap samples of them. A source that errs more than our
 * own model does in 19 of 20 samples, or hardly less than chance, is left out; the others get as
 * weight the share of samples in which they err least of all. Together they are trusted as often as
 * one of them errs no more than our own model: an older study counts less and less as this one
 * comes to know better itself. After Feurer, Letham and Bakshy (2018), "Scalable meta-learning for
 * Bayesian optimization", §3. */
#ifndef SERVER_STRATEGY_GP_RANK_WEIGHTS_H
#define SERVER_STRATEGY_GP_RANK_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "server/domain/transfer.h"

enum { JUDGED_MAX = 80 }; /* results: the cost is their square */

struct verdict {
    double loss[SOURCES_MAX];   /* share of pairs the wrong way round; NaN: it said nothing */
    double weight[SOURCES_MAX]; /* 0: left out; they sum to 1 unless all are */
    double own_loss;
    bool any;     /* is not left out */
    double trust; /* share of samples in which one of them errs no more than our own model */
    double slope; /* of the results on the weighted mean of what was said, drawn towards 1 */
};

/* said[k][i]: of the i-th of n results (at most JUDGED_MAX) by the k-th source, NULL if it has no
 * model; own[i]: by our own. Deterministic in these and the seed. */
void judge(size_t n, const double y[], size_t n_sources, const double *const said[],
           const double own[], uint64_t seed, struct verdict *verdict);

#endif

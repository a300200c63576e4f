/* How the hyper-parameters of a study's Gaussian processes are fitted. */
#ifndef SERVER_STRATEGY_GP_THETA_FIT_H
#define SERVER_STRATEGY_GP_THETA_FIT_H

#include <stdbool.h>

#include "server/model/fit.h"

/* From `warm` (or NULL) and, without it or `afresh`, also from the mode of the prior (with many
 * points only without `warm`), from shorter length scales and, unless it is brief, from a large
 * additive share. */
struct theta_search {
    const double *warm; /* prior->n */
    bool afresh;
    bool is_additive; /* the covariance may have an additive part (model/additive.h) */
    bool is_brief;
    int evaluations;         /* of the posterior, from each start */
    const atomic_bool *stop; /* asks to end (common/stop.h), or NULL */
};

/* Evaluations for n points: with many points the start is good. */
int theta_evaluations(size_t n);
/* theta (prior->n) ← the MAP fit. An additive part whose share is small is left out: it costs time
 * with every prediction. Errors as with fit_map(). */
MUST_USE int theta_fit(struct marginal_likelihood *likelihood, const struct fit_prior *prior,
                       const struct theta_search *search, double theta[], struct err *err);

#endif

/* Terms of an acquisition function that are logarithms of probabilities: that a trial does not
 * fail, and that a metric keeps within its bound. */
#ifndef SERVER_MODEL_FEASIBILITY_H
#define SERVER_MODEL_FEASIBILITY_H

#include "server/model/acquisition.h"
#include "server/model/gp.h"

/* ln Φ(μ/√(s² + var)) with s² = 0.05: the probability of feasibility from the posterior mean and
 * variance of a regression on ±1 labels. Rasmussen & Williams (2006), §6.5. */
double log_feasibility(double mean, double var);

/* Creates the term ln P(feasible). `gp`: of labels +1 (succeeded) and −1 (failed), without
 * fantasies, borrowed; `cap`: points of one call. ERR_NOMEM. */
MUST_USE int feasibility_create(const struct gp *gp, size_t cap, struct acquisition_term **term,
                                struct err *err);
/* Creates the term ln Φ((limit − μ)/σ): the probability that the metric's cost is at most the
 * limit. `gp`: of the costs, without fantasies, borrowed; `limit` on its scale. ERR_NOMEM. Gardner
 * et al. (2014), "Bayesian optimization with inequality constraints", eq. 5. */
MUST_USE int bound_create(const struct gp *gp, double limit, size_t cap,
                          struct acquisition_term **term, struct err *err);

#endif

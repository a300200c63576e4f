/* The marginal likelihood log p(y | theta) of a Gaussian process, its gradient, and leave-one-out
 * predictions. theta and the mean are those of gp.h.
 * Rasmussen & Williams (2006), algorithm 5.1 and §5.4.2. */
#ifndef SERVER_MODEL_MARGINAL_LIKELIHOOD_H
#define SERVER_MODEL_MARGINAL_LIKELIHOOD_H

#include "server/model/gp.h"

struct marginal_likelihood; /* scratch for one data set, reused for each theta; one thread at a time
                             */

/* Borrows x, y (n, standardised) and `extra`: noise variances beyond σ_n² (n, or NULL). ERR_NOMEM.
 */
MUST_USE int marginal_likelihood_create(const struct points *x, const double y[],
                                        const double extra[], enum gp_mean mean,
                                        struct marginal_likelihood **likelihood, struct err *err);
void marginal_likelihood_destroy(struct marginal_likelihood *likelihood);
OWN_POINTER(marginal_likelihood)
/* Returns n. */
size_t marginal_likelihood_n_points(const struct marginal_likelihood *likelihood);

/* *log_p ← log p(y | theta), −½ n ln 2π included; gradient (n_theta) may be NULL. The constant mean
 * maximises the likelihood, so that the gradient needs no term for it. O(n³). ERR_NUMERIC. */
MUST_USE int marginal_likelihood_log(struct marginal_likelihood *likelihood, const double theta[],
                                     double *log_p, double gradient[], struct err *err);
/* mean, var (n) ← leave-one-out predictions of the observations, noise included. O(n³).
 * ERR_NUMERIC. */
MUST_USE int marginal_likelihood_leave_one_out(struct marginal_likelihood *likelihood,
                                               const double theta[], double mean[], double var[],
                                               struct err *err);

#endif

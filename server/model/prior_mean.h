/* A prior mean function made of other models: m(x) = Σ c_k μ_k(x), where μ_k is the posterior mean
 * of a Gaussian process that may know only some of the coordinates.
 *
 * The model with this prior mean is fitted to the residuals y − m(x): where the other models
 * predict well the residuals are small, and elsewhere the observations correct them. Swersky, Snoek
 * and Adams (2013) and Golovin et al. (2017, §3.3) stack models in this way. */
#ifndef SERVER_MODEL_PRIOR_MEAN_H
#define SERVER_MODEL_PRIOR_MEAN_H

#include "server/model/gp.h"

struct prior_mean_term {
    const struct gp *gp; /* borrowed; without fantasies */
    const size_t *num;   /* which of the caller's numbers it knows (gp->x->n_num); borrowed */
    const size_t *cat;   /* the same for categories */
    double weight;       /* c_k */
};

struct prior_mean; /* includes scratch: one thread at a time */

/* Copies the terms whose weight is not zero; `cap`: points of one call. ERR_NOMEM. */
MUST_USE int prior_mean_create(size_t n, const struct prior_mean_term terms[], size_t cap,
                               struct prior_mean **prior_mean, struct err *err);
void prior_mean_destroy(struct prior_mean *prior_mean);
OWN_POINTER(prior_mean)

/* mean[s, j] += m(q_j) for all s < n_fantasies and the points of q (at most cap). */
void prior_mean_add(struct prior_mean *prior_mean, const struct points *q, size_t n_fantasies,
                    double mean[]);
/* After prior_mean_add() of the same q, once: gradient[k, j] += Σ_s a[s, j] ∂m/∂num_k(q_j). */
void prior_mean_add_gradient(struct prior_mean *prior_mean, const struct points *q,
                             size_t n_fantasies, const double a[], double gradient[]);

#endif

/* Hyper-parameters by maximum a posteriori.
 *
 * Every logarithm in theta has a normal prior and a box. The log posterior is climbed by L-BFGS
 * from each given start, with analytic gradients; the best end wins. Deterministic.
 *
 * The prior: ln ℓ ~ N(−½ + ½ ln D, 1) with D the number of *active* parameters of
 * that kind (the mean over the trials), ln σ_f² ~ N(0, 1), ln σ_n² ~ N(−6, 2). */
#ifndef SERVER_MODEL_FIT_H
#define SERVER_MODEL_FIT_H

#include "server/model/gp.h"

struct fit_prior {
    size_t n; /* of theta */
    double *mean, *sd, *low, *high;
};

/* active_num and active_cat: how many numbers and categories a trial has on average. */
MUST_USE int fit_prior_init(struct fit_prior *prior, const struct points *x, double active_num,
                            double active_cat, struct err *err);
void fit_prior_finish(struct fit_prior *prior);
OWN_VALUE(fit_prior)

/* log p(y | theta) + log p(theta) up to a constant, and its gradient (or NULL). */
MUST_USE int fit_log_posterior(struct gp_evidence *evidence, const struct fit_prior *prior,
                               const double theta[], double *value, double gradient[],
                               struct err *err);

/* theta ← the best of climbing from each of `n_starts` starts (n_starts × prior->n); *value its log
 * posterior. The first, which should be the likeliest, has `evaluations`; each other one a third of
 * them, and the rest only if it has overtaken by then. Where no start can be evaluated:
 * ERR_NUMERIC. */
MUST_USE int fit_map(struct gp_evidence *evidence, const struct fit_prior *prior, size_t n_starts,
                     const double starts[], int evaluations, double theta[], double *value,
                     struct err *err);

#endif

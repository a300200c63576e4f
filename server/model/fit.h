/* Hyper-parameters of a Gaussian process by maximum a posteriori.
 *
 * Every logarithm in theta has a normal prior and bounds. The log posterior is maximised by L-BFGS
 * with analytic gradients from each given start; the best result is kept. Deterministic.
 *
 * The prior: ln ℓ ~ N(−½ + ½ ln D, 1) with D the number of *active* parameters of that kind (the
 * mean over the trials), ln σ_f² ~ N(0, 1), ln σ_n² ~ N(−6, 2), logit a ~ N(−1, 1.5), ln ℓ_a ~
 * N(−1.2, .7). The dependence on D follows Hvarfner et al. (2024), arXiv 2402.02229. */
#ifndef SERVER_MODEL_FIT_H
#define SERVER_MODEL_FIT_H

#include "common/stop.h"
#include "server/model/marginal_likelihood.h"

struct fit_prior {
    size_t n; /* of theta */
    size_t n_lengths;
    size_t n_additive; /* the last of theta, which belong to the additive part: first its share */
    double *mean, *sd, *low, *high;
};

/* active_num, active_cat: how many numbers and categories of a trial are active, on average.
 * ERR_NOMEM. */
MUST_USE int fit_prior_init(struct fit_prior *prior, const struct points *x, double active_num,
                            double active_cat, struct err *err);
void fit_prior_finish(struct fit_prior *prior);
OWN_VALUE(fit_prior)

/* Where theta has the share of the additive part. */
static inline size_t fit_prior_share(const struct fit_prior *prior)
{
    return prior->n - prior->n_additive;
}

/* theta ← the mode of the prior; without additive part its share is 0. */
void fit_prior_mode(const struct fit_prior *prior, bool is_additive, double theta[]);

/* Where the maximisation starts. The first start, which should be the likeliest, has `evaluations`
 * of the posterior; each other one a third of them, and the rest only if it leads by then. */
struct fit_starts {
    size_t n;
    const double *theta; /* prior->n × n */
    int evaluations;
    bool is_additive;        /* fits an additive part, too; else its share is 0 */
    const atomic_bool *stop; /* asks to end (common/stop.h), or NULL */
};

/* *value ← log p(y | theta) + log p(theta) up to a constant, and its gradient unless NULL. A theta
 * without additive part has no prior for it either. */
MUST_USE int fit_log_posterior(struct marginal_likelihood *likelihood,
                               const struct fit_prior *prior, const double theta[], double *value,
                               double gradient[], struct err *err);

/* theta ← the best that was found from all starts; *value ← its log posterior. ERR_NUMERIC: the
 * posterior cannot be evaluated at any start; ERR_NOMEM; ERR_OVERLOADED: asked to stop, no later
 * than after the evaluation under way. */
MUST_USE int fit_map(struct marginal_likelihood *likelihood, const struct fit_prior *prior,
                     const struct fit_starts *starts, double theta[], double *value,
                     struct err *err);

#endif

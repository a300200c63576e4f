/* A mean function made of other models: m(x) = Σ c_k μ_k(x), where μ_k is the posterior mean of a
 * Gaussian process that may know some of the coordinates only.
 *
 * The model that has it as its mean is fitted to what is left, y − m(x): where the others are right
 * little is left to learn, where they are wrong the results overrule them. Swersky, Snoek and Adams
 * (2013) and Golovin et al. (2017, §3.3) stack models so. */
#ifndef SERVER_MODEL_TREND_H
#define SERVER_MODEL_TREND_H

#include "server/model/gp.h"

struct trend_part {
    const struct gp *gp; /* borrowed; without fantasies */
    const size_t *num;   /* which of the numbers its own are (gp->x->n_num), borrowed */
    const size_t *cat;   /* likewise */
    double weight;       /* c */
};

struct trend; /* scratch included: one thread at a time */

/* Copies the parts whose weight is not zero; `cap`: points of one call. */
MUST_USE int trend_create(size_t n, const struct trend_part parts[], size_t cap,
                          struct trend **trend, struct err *err);
void trend_destroy(struct trend *trend);
OWN_POINTER(trend)

/* mean[s, j] += m(q_j) for all s < n_fantasies and the points of q (at most cap). */
void trend_add(struct trend *trend, const struct points *q, size_t n_fantasies, double mean[]);
/* After trend_add() of the same q, once: gradient[k, j] += Σ_s a[s, j] ∂m/∂num_k(q_j). */
void trend_add_gradient(struct trend *trend, const struct points *q, size_t n_fantasies,
                        const double a[], double gradient[]);

#endif

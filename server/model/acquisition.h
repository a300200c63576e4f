/* The acquisition function of the Gaussian-process strategy: logarithms of the expected improvement
 * and of the probability of feasibility.
 *
 * Everything is minimised. EI = σ h(z) with z = (f* − μ)/σ and h(z) = φ(z) + z Φ(z). The logarithm
 * has no plateaus of zero gradient (Ament et al. 2023, arXiv 2310.20708) and is computed without
 * cancellation far into the tails. With fantasies the value is ln mean_s EI_s, where each fantasy s
 * has its own incumbent. */
#ifndef SERVER_MODEL_ACQUISITION_H
#define SERVER_MODEL_ACQUISITION_H

#include <stddef.h>

#include "server/model/gp.h"
#include "server/model/prior_mean.h"

/* ln Φ(z). */
double log_normal_distribution(double z);
/* ln h(z). */
double log_h(double z);
/* φ/h and Φ/h at z; the second is d ln h/dz. */
void log_h_slopes(double z, double *phi_over_h, double *Phi_over_h);

/* ln(1 − σ_n/√(var + σ_n²)), the factor of augmented expected improvement, and its derivative with
 * respect to var. It is small where the posterior variance of f is small beside the noise variance,
 * so that a search that has converged does not suggest the incumbent repeatedly with minimal
 * changes. Huang et al. (2006). */
double log_augmentation(double var, double noise, double *slope);

/* per_fantasy[s] ← the incumbent of fantasy s: the smaller of `best` and of its fantasised values.
 */
void fantasy_incumbents(const struct gp *gp, double best, double per_fantasy[]);

/* After gp_predict(): value[j] ← ln mean_s EI(μ_sj, σ_j, best_s) for the batch's points, and, from
 * 30 observed points on, + log_augmentation(σ_j², min(σ_n², 1e-2)); the bound keeps repeated
 * evaluations possible where observations are noisy. When a and b are not NULL they receive the
 * weights that gp_gradient() needs for the gradient of value. */
void log_ei_batch(const struct gp *gp, const struct gp_batch *batch, const double best[],
                  double value[], double a[], double b[]);

/* ln Φ(μ/√(s² + var)) with s² = 0.05: the probability of feasibility from the posterior mean and
 * variance of a regression on ±1 labels. Rasmussen & Williams (2006), §6.5. */
double log_feasibility(double mean, double var);

/* ---- the acquisition function of one suggestion ---------------------------------------------- */
struct acquisition {
    const struct gp *gp;          /* of the objective; borrowed */
    const struct gp *feasibility; /* of labels +1 (succeeded) and −1 (failed); borrowed, or NULL */
    struct prior_mean *prior_mean; /* of gp; set after creation; borrowed, or NULL */
    const struct points *avoided;  /* acquisition_penalise(); borrowed, or NULL */
    size_t cap;                    /* points of one call to the models */
    double *best;                  /* the incumbent of each fantasy */
    /* private */
    struct gp_batch *batch, *feasibility_batch;
    struct workspace *work;
    double *a, *b;
    double *feasibility_a, *feasibility_b, *feasibility_gradient;
    struct workspace *penalty_work; /* for `avoided` */
    double *avoided_Z, *avoided_norm, *q_Z, *q_norm, *K;
};

/* `best`: the incumbent value, transformed. ERR_NOMEM. */
MUST_USE int acquisition_create(const struct gp *gp, const struct gp *feasibility, double best,
                                size_t cap, struct acquisition **acquisition, struct err *err);
void acquisition_destroy(struct acquisition *acquisition);
OWN_POINTER(acquisition)

/* Adds ln(1 − ρ²) to every later score without gradient, where ρ is the greatest correlation of f
 * at the candidate and at a point of `avoided` (borrowed). These are the configurations of
 * truncated learning curves: another trial beside one of them would be stopped in the same way.
 * Without the penalty a study suggests one configuration many times. Compare local penalisation,
 * González et al. (2016). No effect when `avoided` is empty. ERR_NOMEM. */
MUST_USE int acquisition_penalise(struct acquisition *acquisition, const struct points *avoided,
                                  struct err *err);

/* value (n) ← ln EI + ln P(feasible) at all n points of q; gradient (n_num × n) likewise unless
 * NULL. */
void acquisition_score(struct acquisition *acquisition, const struct points *q, double value[],
                       double gradient[]);

#endif

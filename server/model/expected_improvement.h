/* Expected improvement, and the probability functions that the acquisition function is made of.
 *
 * Everything is minimised. EI = σ h(z) with z = (f* − μ)/σ and h(z) = φ(z) + z Φ(z). The logarithm
 * has no plateaus of zero gradient (Ament et al. 2023, arXiv 2310.20708) and is computed without
 * cancellation far into the tails. With fantasies the value is ln mean_s EI_s, where each fantasy s
 * has its own incumbent. */
#ifndef SERVER_MODEL_EXPECTED_IMPROVEMENT_H
#define SERVER_MODEL_EXPECTED_IMPROVEMENT_H

#include <stddef.h>

#include "server/model/acquisition.h"
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

/* Creates the term ln EI of an acquisition function. `best`: the incumbent value, transformed;
 * `prior_mean` (or NULL): that of gp, borrowed as gp is; `cap`: points of one call. ERR_NOMEM. */
MUST_USE int expected_improvement_create(const struct gp *gp, struct prior_mean *prior_mean,
                                         double best, size_t cap, struct acquisition_term **term,
                                         struct err *err);

#endif

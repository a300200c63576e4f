/* What a point promises: the logarithm of expected improvement, safe far into the tails.
 *
 * Everything minimises. EI = σ h(z) with z = (f* − μ)/σ and h(z) = φ(z) + z Φ(z); in logarithms
 * there are no plateaus of zero gradient (Ament et al. 2023, arXiv 2310.20708). With fantasies the
 * acquisition is ln mean_s EI_s, each with its own incumbent. */
#ifndef SERVER_MODEL_ACQUISITION_H
#define SERVER_MODEL_ACQUISITION_H

#include <stddef.h>

#include "server/model/gp.h"
#include "server/model/trend.h"

double normal_density(double z);
/* ln Φ(z), exact to the last digits in the lower tail. */
double log_normal_distribution(double z);

/* ln h(z). */
double log_h(double z);
/* φ/h and Φ/h at z: the second is d ln h/dz. */
void log_h_slopes(double z, double *phi_over_h, double *Phi_over_h);
double log_expected_improvement(double mean, double sd, double best);

/* ln(1 − σ_n/√(var + σ_n²)): the share of an evaluation that is news about f, and its derivative
 * with respect to var. Where a point is as well known as noise allows, another look promises
 * nothing; without it a search that has converged asks for the incumbent again and again, an
 * epsilon away. Huang et al. (2006), augmented expected improvement. */
double log_news(double var, double noise, double *slope);

/* The incumbent of each fantasy: the best of what is known and of what it imagines. */
void incumbents(const struct gp *gp, double best, double per_fantasy[]);

/* After gp_predict(): value[j] ← ln mean_s EI(μ_sj, σ_j, best_s) for m points, and from 30 results
 * on + log_news(σ_j², min(σ_n², 1e-2)): where results are really noisy a second look at a good
 * point does pay. When a and b are not NULL they take the weights that gp_gradient() needs for the
 * gradient of value. */
void log_ei_batch(const struct gp *gp, const struct gp_batch *batch, size_t m, const double best[],
                  double value[], double a[], double b[]);

/* ---- the whole of it: improvement, and the chance that the trial does not fail --------------- */
struct acquisition {
    const struct gp *gp; /* borrowed, as `ok` */
    const struct gp *ok; /* of +1 for trials that went well and −1 for failed ones; or NULL */
    struct trend *trend; /* gp's mean function, set after creation; borrowed, or NULL */
    const struct points *begun; /* curves that are avoided; borrowed, or NULL */
    size_t cap;                 /* points of one call to the models */
    double *best;               /* the incumbent of each fantasy */
    /* the inside */
    struct gp_batch *batch, *ok_batch;
    struct workspace *work;
    double *a, *b, *ok_value, *ok_a, *ok_b, *ok_gradient;
    struct workspace *near; /* for begun: their scaled numbers, and those of the candidates */
    double *begun_Z, *begun_norm, *near_Z, *near_norm, *near_K;
};

MUST_USE int acquisition_create(const struct gp *gp, const struct gp *ok, double best, size_t cap,
                                struct acquisition **acquisition, struct err *err);
void acquisition_destroy(struct acquisition *acquisition);
OWN_POINTER(acquisition)

/* From now on a score is less by −ln(1 − ρ²), ρ the greatest correlation of f there and at one of
 * `begun` (borrowed): the share of f that no curve which was begun and not finished has told. To
 * begin another one beside it would tell the same again, and end alike; without this a study asks
 * for one configuration dozens of times. For scores without gradients only. Cf. local penalisation,
 * González et al. (2016). Empty `begun` changes nothing. */
MUST_USE int acquisition_avoid(struct acquisition *acquisition, const struct points *begun,
                               struct err *err);

/* value (n) ← ln EI + ln P(ok) of all points of q, any number of them; gradient (n_num × n) too
 * unless NULL. */
void acquisition_score(struct acquisition *acquisition, const struct points *q, double value[],
                       double gradient[]);

/* ln P(ok) of the latent mean and variance: Φ(μ/√(s² + var)), a probit squash of a regression on
 * ±1. Rasmussen & Williams §6.5. */
double log_p_ok(double mean, double var);

#endif

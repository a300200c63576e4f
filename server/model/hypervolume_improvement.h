/* Expected hypervolume improvement: what a new point is expected to add to the volume that the
 * results dominate, under a Gaussian process of each cost.
 *
 * The posterior of a point is a product of normal distributions, one a cost. With the region that
 * the front does not dominate as boxes (l, u] (nondominated_boxes.h) it is
 *
 *   EHVI = Σ_boxes Π_k [ψ_k(u_k) − ψ_k(l_k)],   ψ(b) = E[max(b − y, 0)] = σ h((b − μ)/σ)
 *
 * with h of expected_improvement.h: exact, for up to four costs. Emmerich, Deutz and Klinkenberg
 * (2011), "Hypervolume-based expected improvement"; Yang et al. (2019), "Efficient computation of
 * expected hypervolume improvement", for the boxes; the logarithm as in Ament et al. (2023). All
 * terms are positive, and no difference loses more digits than the whole sum has: the product of
 * the ψ(u) of a box is at most the EHVI. For one cost it is the expected improvement. */
#ifndef SERVER_MODEL_HYPERVOLUME_IMPROVEMENT_H
#define SERVER_MODEL_HYPERVOLUME_IMPROVEMENT_H

#include <stddef.h>

#include "server/model/acquisition.h"
#include "server/model/gp.h"
#include "server/model/nondominated_boxes.h"
#include "server/model/prior_mean.h"

/* ln EHVI of a point with these posterior means and standard deviations (m each). d_mean, d_var (m)
 * ← its derivatives with respect to each mean and variance, unless NULL. `scratch`:
 * hypervolume_improvement_scratch() numbers. O(n_coords m + boxes). */
double log_hypervolume_improvement(const struct nondominated_boxes *boxes, const double mean[],
                                   const double sd[], double d_mean[], double d_var[],
                                   double scratch[]);
size_t hypervolume_improvement_scratch(const struct nondominated_boxes *boxes);
/* The probability that the point is dominated by none of the front and better than the reference in
 * every cost. */
double nondominated_probability(const struct nondominated_boxes *boxes, const double mean[],
                                const double sd[], double scratch[]);

/* ---- the term of an acquisition function ----------------------------------------------------- */
struct hypervolume_models {
    size_t m;
    const struct gp *gp[BOX_COSTS_MAX];           /* with the same pending points; borrowed */
    struct prior_mean *prior_mean[BOX_COSTS_MAX]; /* of each, borrowed; or NULL */
    size_t n;                                     /* points of the front */
    const double *front;                          /* m × n, on the scale of the models */
    const double *reference;                      /* m */
};

/* Creates the term ln mean_s EHVI_s, where the front of fantasy s includes its outcomes. `cap`:
 * points of one call. ERR_NOMEM. */
MUST_USE int hypervolume_improvement_create(const struct hypervolume_models *models, size_t cap,
                                            struct acquisition_term **term, struct err *err);

#endif

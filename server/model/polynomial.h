/* A polynomial mean with Gaussian coefficients: linear and quadratic basis functions of each
 * number.
 *
 *   m(u) = Σ_k a_k √12 (u_k − ½) + b_k 3√5 (u_k − ½)²,   a_k, b_k ~ N(0, .3/D)
 *
 * for D numbers in [0, 1]. The coefficients are integrated out, so that the mean becomes one more
 * covariance: the inner product of the features below. It tells from few results in which direction
 * the objective falls, where the stationary covariance alone returns to its mean within a length
 * scale. An inactive number stands at ½, where its features are 0.
 * Rasmussen & Williams (2006), §2.7. */
#ifndef SERVER_MODEL_POLYNOMIAL_H
#define SERVER_MODEL_POLYNOMIAL_H

#include "server/model/kernel.h"

/* Features of n points: n_features × n, a point is a column. */
struct features {
    size_t n_features, n;
    const double *phi;
};

/* Features of a point of this shape: two for each number. */
size_t polynomial_n_features(const struct points *x);
/* phi (n_features × n) ← the features of every point. */
void polynomial_features(const struct points *x, double phi[]);
/* K (a->n × b->n, leading dimension ld) += scale × the covariances. */
void polynomial_add_covariance(double scale, const struct features *a, const struct features *b,
                               double K[], size_t ld);
/* The variance of a point with these features. */
double polynomial_variance(size_t n_features, const double phi[]);
/* gradient (n_num) += Σ_f h_f ∂φ_f/∂u at a point with numbers u. */
void polynomial_add_gradient(size_t n_num, const double u[], const double h[], double gradient[]);

#endif

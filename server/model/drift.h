/* The drift of an objective over the whole space: along each number it mostly rises, falls or
 * bends.
 *
 *   t(u) = Σ_k a_k √12 (u_k − ½) + b_k 3√5 (u_k − ½)²,   a_k, b_k ~ N(0, .3/D)
 *
 * for D numbers in [0, 1]. Its coefficients are integrated out, so that it is one more covariance,
 * an inner product of features: a few results already tell which way is down, where a stationary
 * covariance alone forgets what it saw a length scale away. An inactive number stands at ½, where
 * its drift is nothing. Rasmussen & Williams §2.7. */
#ifndef SERVER_MODEL_DRIFT_H
#define SERVER_MODEL_DRIFT_H

#include "server/model/kernel.h"

/* Features of a point of this shape: two a number. */
size_t drift_n_features(const struct points *x);
/* phi (features × n) ← those of every point; the covariance of two points is their inner product.
 */
void drift_features(const struct points *x, double phi[]);
/* K (n_a × n_b, leading dimension ld) += scale × the covariances. */
void drift_add(size_t n_features, double scale, size_t n_a, const double phi_a[], size_t n_b,
               const double phi_b[], double K[], size_t ld);
/* The variance of a point from its features. */
double drift_variance(size_t n_features, const double phi[]);
/* gradient (n_num) += Σ_f h_f ∂φ_f/∂u at a point with numbers u. */
void drift_gradient(size_t n_num, const double u[], const double h[], double gradient[]);

#endif

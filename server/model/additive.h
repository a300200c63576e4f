/* The additive part of the covariance: the mean of one Matérn 5/2 covariance for each parameter.
 *
 *   k_a(x, x') = (Σ_num M52(|u − u'|/ℓ_a) + Σ_cat M52([c ≠ c']/ℓ_a)) / √(m m')
 *
 * over the parameters that are active at both points, of which x has m active ones. So a term of a
 * branch is learned from the trials of that branch, and the variance is 1 in every branch.
 *
 * It predicts a sum of functions of one parameter each, whose terms are learned independently of
 * each other: after n results it knows combinations that no result is near to, where the covariance
 * of the distance in all parameters (kernel.h) knows nothing. Duvenaud, Nickisch and Rasmussen
 * (2011), "Additive Gaussian processes", with terms of the first order only.
 *
 * With s = √5/ℓ_a, e^{−s|u−u'|} is the lesser of e^{−su}e^{su'} and e^{su}e^{−su'}: there is one
 * exponential for each number of a point and none for a pair of points. */
#ifndef SERVER_MODEL_ADDITIVE_H
#define SERVER_MODEL_ADDITIVE_H

#include "server/model/kernel.h"

struct additive {
    size_t n_num, n_cat;
    double rate;                     /* s = √5/ℓ_a */
    double mismatch, mismatch_slope; /* of two different categories: M52(1/ℓ_a), ∂/∂ln ℓ_a */
};

/* Numbers from −1 to 2 (a point may lie outside the range) and ln ℓ_a ≥ ln .01: beyond, an e^{3s}
 * is out of range. */
void additive_init(const struct points *x, double log_length, struct additive *additive);

/* Points with what additive_prepare() made of them. */
struct additive_points {
    const struct points *points;
    /* rows of leading dimension ld: of each number su/√3, g e^{−su} and g e^{su}, of each category
     * g; g is 1/√m, or 0 where the parameter is inactive */
    const double *tables;
    size_t ld;
};

/* Doubles of the tables of `n` points of this shape. */
size_t additive_tables(const struct points *x, size_t n);
/* Fills the tables (leading dimension x->n) of the points. O(n n_num). */
void additive_prepare(const struct additive *additive, const struct points *x, double tables[]);

struct mixture {
    double keep, weight;
};

/* K (n_a × n_b, leading dimension ld) ← keep K + weight k_a. O(n_a n_b D). */
void additive_mix(const struct additive *additive, struct mixture mixture,
                  const struct additive_points *a, const struct additive_points *b, double K[],
                  size_t ld);
/* K (n_a × n_b, leading dimension ld) ← k_a, T (likewise) ← ∂k_a/∂ln ℓ_a. O(n_a n_b D). */
void additive_cross(const struct additive *additive, const struct additive_points *a,
                    const struct additive_points *b, double K[], double T[], size_t ld);
/* gradient (n_num × n_b) += weight × the derivatives of Σ_i C_ij k_a(a_i, b_j) by the numbers of
 * b_j; C is n_a × n_b. O(n_a n_b n_num). */
void additive_add_gradient(const struct additive *additive, double weight,
                           const struct additive_points *a, const struct additive_points *b,
                           const double C[], double gradient[]);

#endif

/* Points as a model sees them, and the covariance between them.
 *
 * A point has numbers in [0, 1] and categories as codes; a category's distance is Hamming. One
 * weighted distance holds both, so that the covariance stays positive definite:
 *
 *   r² = Σ_num ((u − u')/ℓ)² + Σ_cat [c ≠ c']/ℓ²,   k = M52(r) = (1 + √5 r + 5r²/3) e^{−√5 r}
 *
 * An inactive number stands at ½ and an inactive category has a code of its own: the parent's
 * category tells the branches apart (algorithms.md §1.4 b). */
#ifndef SERVER_MODEL_KERNEL_H
#define SERVER_MODEL_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"

struct points {
    size_t n, cap;
    size_t n_num, n_cat;
    double *num;  /* n_num × n, a point is a column */
    int32_t *cat; /* n_cat × n */
};

MUST_USE int points_init(struct points *points, size_t n_num, size_t n_cat, size_t cap,
                         struct err *err);
void points_finish(struct points *points);
OWN_VALUE(points)
/* The columns of the i-th point. */
double *points_num(const struct points *points, size_t i);
int32_t *points_cat(const struct points *points, size_t i);
/* `n` points from the `from`-th on, borrowed. */
struct points points_part(const struct points *points, size_t from, size_t n);
/* Copies point `from` of `other` to place `to`; same shape. */
void points_copy(struct points *points, size_t to, const struct points *other, size_t from);

double matern52(double r);
/* ∂M52/∂(r²): finite everywhere, −5/6 at 0. */
double matern52_slope(double r);

/* Squared length scales' inverses. */
struct kernel {
    size_t n_num, n_cat;
    const double *w_num; /* ℓ⁻² */
    const double *w_cat;
};

/* Fills w (n_num + n_cat) with ℓ⁻² from the logarithms of ℓ, and the kernel that borrows it. */
void kernel_take(const struct points *x, const double log_lengths[], double w[],
                 struct kernel *kernel);

/* Columns of `a` times √w: the numbers on which distances are Euclidean. Z is n_num × n; `norm`
 * (n) takes their squared lengths. */
void kernel_scale(const struct kernel *kernel, const struct points *a, double Z[], double norm[]);

/* K (n_a × n_b, leading dimension ld) ← M52 of the distances, and S likewise ← ∂M52/∂(r²) unless S
 * is NULL. Za, na and Zb, nb come from kernel_scale(). O(n_a n_b (d + 1)). */
void kernel_cross(const struct kernel *kernel, const struct points *a, const double Za[],
                  const double na[], const struct points *b, const double Zb[], const double nb[],
                  double K[], double S[], size_t ld);

#endif

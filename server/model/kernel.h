/* The points of a model, and the Matérn 5/2 covariance between them.
 *
 * A point has numbers in [0, 1] and categories as codes, whose distance is Hamming. Both enter one
 * weighted distance, so that the covariance stays positive definite:
 *
 *   r² = Σ_num ((u − u')/ℓ)² + Σ_cat [c ≠ c']/ℓ²,   k = M52(r) = (1 + √5 r + 5r²/3) e^{−√5 r}
 *
 * An inactive number stands at ½ and an inactive category has a code of its own; the category of
 * the parent separates the branches. */
#ifndef SERVER_MODEL_KERNEL_H
#define SERVER_MODEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"

struct points {
    size_t n, cap;
    size_t n_num, n_cat;
    double *num;  /* n_num × n, a point is a column */
    int32_t *cat; /* n_cat × n */
    bool *active; /* (n_num + n_cat) × n: numbers, then categories; true at first */
};

/* Room for `cap` points; n is 0. ERR_NOMEM. */
MUST_USE int points_init(struct points *points, size_t n_num, size_t n_cat, size_t cap,
                         struct err *err);
void points_finish(struct points *points);
OWN_VALUE(points)
/* The columns of the i-th point. */
double *points_num(const struct points *points, size_t i);
int32_t *points_cat(const struct points *points, size_t i);
/* Which of the i-th point's numbers, then categories, are active. */
bool *points_active(const struct points *points, size_t i);
/* A view of n points from index `from` on; borrowed. */
struct points points_part(const struct points *points, size_t from, size_t n);
/* Copies point `from` of `other` to index `to`; both have the same shape. */
void points_copy(struct points *points, size_t to, const struct points *other, size_t from);

/* Inverse squared length scales. */
struct kernel {
    size_t n_num, n_cat;
    const double *w_num; /* ℓ⁻² */
    const double *w_cat;
};

/* w (n_num + n_cat) ← ℓ⁻² from ln ℓ; *kernel borrows it. */
void kernel_init(const struct points *x, const double log_lengths[], double w[],
                 struct kernel *kernel);

/* Z (n_num × n) ← the numbers of `a` times √w, so that their distances are Euclidean; norm (n) ←
 * the squared lengths of its columns. */
void kernel_scale(const struct kernel *kernel, const struct points *a, double Z[], double norm[]);

/* Points with what kernel_scale() made of them. */
struct scaled_points {
    const struct points *points;
    const double *Z, *norm;
};

/* K (n_a × n_b, leading dimension ld) ← M52 of the distances; S (likewise, or NULL) ← ∂M52/∂(r²),
 * which is finite everywhere and −5/6 at r = 0. O(n_a n_b (d + 1)). */
void kernel_cross(const struct kernel *kernel, const struct scaled_points *a,
                  const struct scaled_points *b, double K[], double S[], size_t ld);

#endif

/* Linear algebra: the only caller of LAPACK and BLAS.
 *
 * Matrices are column-major with a leading dimension `ld`; a factor L is the lower triangle. BLAS
 * runs on one thread, so that equal input gives equal digits on the same kind of CPU. Scratch
 * comes from a workspace: one allocation, made before the loops. Any number of
 * threads may call at the same time, each on its own memory; with an OpenBLAS that was built
 * without threads one of them computes at a time, as that is not safe for several. */
#ifndef SERVER_MODEL_LINALG_H
#define SERVER_MODEL_LINALG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"

/* One aligned block, divided into pieces and released as a whole. */
struct workspace {
    double *base;
    size_t used; /* doubles */
    size_t cap;
};

/* Doubles that `n` doubles take once rounded up to a cache line. */
size_t workspace_round(size_t n);
/* Room for `doubles`, which the caller adds up from workspace_round(). ERR_NOMEM. */
MUST_USE int workspace_init(struct workspace *work, size_t doubles, struct err *err);
/* The next `n` doubles, aligned to 64 bytes, zero at first. */
double *workspace_take(struct workspace *work, size_t n);
void workspace_finish(struct workspace *work);
OWN_VALUE(workspace)

/* One attempt at A ← L with L Lᵀ = A, lower triangle in and out. False: not positive definite, or
 * not finite; the content of A is then undefined. O(n³). */
MUST_USE bool linalg_factor(size_t n, double A[], size_t ld);
/* What to add to a diagonal of mean `scale` at the k-th attempt (0, 1, …): 0, then from 1e-8 to
 * 1e-4 of it by tens; negative when there is no further attempt. */
double linalg_jitter(int attempt, double scale);

/* Appends m rows to the n × n factor in L (ld ≥ n + m): on entry rows n … n+m-1 of L hold the new
 * rows of the matrix (m × n block left, lower triangle of the m × m block right). The jitter of
 * linalg_jitter() is added to the new block alone, with `scale` the mean diagonal of the matrix;
 * `scratch` has m². O(m n²). ERR_NUMERIC. */
MUST_USE int linalg_append(size_t n, size_t m, double L[], size_t ld, double scale,
                           double scratch[], struct err *err);

/* B ← L⁻¹ B and B ← L⁻ᵀ B; B is n × m. O(n² m). */
void linalg_solve_lower(size_t n, const double L[], size_t ld, size_t m, double B[], size_t ldb);
void linalg_solve_upper(size_t n, const double L[], size_t ld, size_t m, double B[], size_t ldb);

/* A's lower triangle holds a factor L and becomes (L Lᵀ)⁻¹. O(n³). ERR_NUMERIC. */
MUST_USE int linalg_inverse(size_t n, double A[], size_t ld, struct err *err);

/* C (m × n) ← alpha·op(A) op(B) + beta·C, inner length k; `ta`, `tb`: transpose that factor. */
void linalg_multiply(bool ta, bool tb, size_t m, size_t n, size_t k, double alpha, const double A[],
                     size_t lda, const double B[], size_t ldb, double beta, double C[], size_t ldc);

/* C (m × n) ← A B with B symmetric, its lower triangle given. */
void linalg_multiply_symmetric(size_t m, size_t n, const double A[], size_t lda, const double B[],
                               size_t ldb, double C[], size_t ldc);
/* Σ a_i b_i in four parts, so that it runs as vector code: always the same order of sums. */
double linalg_dot(size_t n, const double a[], const double b[]);

#endif

#include "server/model/linalg.h"

#include <cblas.h>
#include <lapack.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { DOUBLES_PER_LINE = 8 };

/* A threaded BLAS may stand where the serial one was meant; more than one thread would change the
 * order of sums and with it the digits. */
static void use_one_thread(void)
{
    openblas_set_num_threads(1);
}

static void ready(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, use_one_thread);
}

size_t workspace_round(size_t n)
{
    return (n + DOUBLES_PER_LINE - 1) / DOUBLES_PER_LINE * DOUBLES_PER_LINE;
}

int workspace_init(struct workspace *work, size_t doubles, struct err *err)
{
    size_t cap = workspace_round(doubles == 0 ? 1 : doubles);

    *work = (struct workspace){0};
    if (cap > SIZE_MAX / sizeof(double)) {
        return err_set(err, ERR_NOMEM, "a model of %zu numbers does not fit in memory", doubles);
    }
    double *base = aligned_alloc(DOUBLES_PER_LINE * sizeof(double), cap * sizeof(double));
    if (base == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model of %zu numbers", doubles);
    }
    memset(base, 0, cap * sizeof(double));
    *work = (struct workspace){.base = base, .cap = cap};
    return 0;
}

double *workspace_take(struct workspace *work, size_t n)
{
    double *piece = work->base + work->used;

    work->used += workspace_round(n);
    if (work->used > work->cap) {
        abort(); /* our own mistake: the sum in workspace_init() was wrong */
    }
    return piece;
}

void workspace_finish(struct workspace *work)
{
    free(work->base);
    *work = (struct workspace){0};
}

/* One attempt on the lower triangle; 0 when it worked. */
static int factor(size_t n, double A[], size_t ld)
{
    lapack_int order = (lapack_int)n;
    lapack_int stride = (lapack_int)ld;
    lapack_int info = 0;

    LAPACK_dpotrf("L", &order, A, &stride, &info);
    return (int)info;
}

/* Puts the lower triangle back from the upper one, and the diagonal with `jitter` added. */
static void restore(size_t n, double A[], size_t ld, const double diagonal[], double jitter)
{
    for (size_t j = 0; j < n; j++) {
        A[j * ld + j] = diagonal[j] + jitter;
        for (size_t i = j + 1; i < n; i++) {
            A[j * ld + i] = A[i * ld + j];
        }
    }
}

static bool is_finite(size_t n, const double A[], size_t ld)
{
    for (size_t j = 0; j < n; j++) {
        if (!isfinite(A[j * ld + j])) {
            return false;
        }
    }
    return true;
}

int linalg_cholesky(size_t n, double A[], size_t ld, double diagonal[], double *jitter,
                    struct err *err)
{
    double trace = 0.0;

    ready();
    for (size_t j = 0; j < n; j++) {
        diagonal[j] = A[j * ld + j];
        trace += diagonal[j];
    }
    double rung = 0.0;
    for (double step = 1e-8; n > 0; step *= 10.0) {
        if (factor(n, A, ld) == 0 && is_finite(n, A, ld)) {
            break;
        }
        if (step > 1.01e-4 || !isfinite(trace)) {
            return err_set(err, ERR_NUMERIC, "a covariance of %zu points is not positive definite",
                           n);
        }
        rung = step * trace / (double)n;
        restore(n, A, ld, diagonal, rung);
    }
    *jitter = rung;
    return 0;
}

int linalg_append(size_t n, size_t m, double L[], size_t ld, double diagonal[], double *jitter,
                  struct err *err)
{
    double *rows = L + n;           /* m × n */
    double *block = L + n * ld + n; /* m × m */

    ready();
    if (m == 0) {
        *jitter = 0.0;
        return 0;
    }
    if (n > 0) {
        cblas_dtrsm(CblasColMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (blasint)m,
                    (blasint)n, 1.0, L, (blasint)ld, rows, (blasint)ld);
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)m, (blasint)n,
                    -1.0, rows, (blasint)ld, rows, (blasint)ld, 1.0, block, (blasint)ld);
    }
    return linalg_cholesky(m, block, ld, diagonal, jitter, err);
}

static void solve(CBLAS_TRANSPOSE transpose, size_t n, const double L[], size_t ld, size_t m,
                  double B[], size_t ldb)
{
    ready();
    if (n > 0 && m > 0) {
        cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, transpose, CblasNonUnit, (blasint)n,
                    (blasint)m, 1.0, L, (blasint)ld, B, (blasint)ldb);
    }
}

void linalg_solve_lower(size_t n, const double L[], size_t ld, size_t m, double B[], size_t ldb)
{
    solve(CblasNoTrans, n, L, ld, m, B, ldb);
}

void linalg_solve_upper(size_t n, const double L[], size_t ld, size_t m, double B[], size_t ldb)
{
    solve(CblasTrans, n, L, ld, m, B, ldb);
}

int linalg_inverse(size_t n, double A[], size_t ld, struct err *err)
{
    lapack_int order = (lapack_int)n;
    lapack_int stride = (lapack_int)ld;
    lapack_int info = 0;

    ready();
    if (n == 0) {
        return 0;
    }
    LAPACK_dpotri("L", &order, A, &stride, &info);
    if (info != 0) {
        return err_set(err, ERR_NUMERIC, "a covariance of %zu points has no inverse", n);
    }
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j + 1; i < n; i++) {
            A[i * ld + j] = A[j * ld + i];
        }
    }
    return 0;
}

void linalg_multiply(bool ta, bool tb, size_t m, size_t n, size_t k, double alpha, const double A[],
                     size_t lda, const double B[], size_t ldb, double beta, double C[], size_t ldc)
{
    ready();
    if (m > 0 && n > 0) {
        cblas_dgemm(CblasColMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
                    (blasint)m, (blasint)n, (blasint)k, alpha, A, (blasint)(lda == 0 ? 1 : lda), B,
                    (blasint)(ldb == 0 ? 1 : ldb), beta, C, (blasint)ldc);
    }
}

#include "server/model/linalg.h"

#include <cblas.h>
#include <lapack.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { DOUBLES_PER_LINE = 8 };

static pthread_mutex_t serial_blas = PTHREAD_MUTEX_INITIALIZER;
static bool is_serial; /* written once */

/* A threaded BLAS may be installed in place of the serial one; several threads would change the
 * order of sums, and with it the digits. */
static void use_one_thread(void)
{
    openblas_set_num_threads(1);
    is_serial = openblas_get_parallel() == OPENBLAS_SEQUENTIAL;
}

/* Around every call of BLAS or LAPACK. An OpenBLAS that was built without threads takes its buffers
 * from a pool that no lock guards, unless it was built with USE_LOCKING, which it does not tell:
 * two threads get the same buffer now and then, and both get wrong numbers. */
static void blas_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, use_one_thread);
    if (is_serial) {
        (void)pthread_mutex_lock(&serial_blas);
    }
}

static void blas_end(void)
{
    if (is_serial) {
        (void)pthread_mutex_unlock(&serial_blas);
    }
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
        abort(); /* programming error: workspace_init() was given too little */
    }
    return piece;
}

void workspace_finish(struct workspace *work)
{
    free(work->base);
    *work = (struct workspace){0};
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

bool linalg_factor(size_t n, double A[], size_t ld)
{
    lapack_int order = (lapack_int)n;
    lapack_int stride = (lapack_int)ld;
    lapack_int info = 0;

    if (n == 0) {
        return true;
    }
    blas_begin();
    LAPACK_dpotrf("L", &order, A, &stride, &info);
    blas_end();
    return info == 0 && is_finite(n, A, ld);
}

double linalg_jitter(int attempt, double scale)
{
    static const double steps[] = {0.0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4};

    if (attempt >= (int)(sizeof steps / sizeof *steps) || !isfinite(scale)) {
        return -1.0;
    }
    return steps[attempt] * scale;
}

static int not_definite(size_t n, struct err *err)
{
    return err_set(err, ERR_NUMERIC, "a covariance of %zu points is not positive definite", n);
}

/* Copies the lower triangle of an m × m block. */
static void copy_lower(size_t m, const double from[], size_t ld_from, double to[], size_t ld_to)
{
    for (size_t j = 0; j < m; j++) {
        memcpy(to + j * ld_to + j, from + j * ld_from + j, (m - j) * sizeof *to);
    }
}

int linalg_append(size_t n, size_t m, double L[], size_t ld, double scale, double scratch[],
                  struct err *err)
{
    double *rows = L + n;           /* m × n */
    double *block = L + n * ld + n; /* m × m */
    double jitter;

    if (m == 0) {
        return 0;
    }
    if (n > 0) {
        blas_begin();
        cblas_dtrsm(CblasColMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (blasint)m,
                    (blasint)n, 1.0, L, (blasint)ld, rows, (blasint)ld);
        cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, (blasint)m, (blasint)n, -1.0, rows,
                    (blasint)ld, 1.0, block, (blasint)ld);
        blas_end();
    }
    copy_lower(m, block, ld, scratch, m);
    for (int k = 0; (jitter = linalg_jitter(k, scale)) >= 0.0; k++) {
        if (k > 0) {
            copy_lower(m, scratch, m, block, ld);
        }
        for (size_t j = 0; j < m; j++) {
            block[j * ld + j] += jitter;
        }
        if (linalg_factor(m, block, ld)) {
            return 0;
        }
    }
    return not_definite(n + m, err);
}

static void solve(CBLAS_TRANSPOSE transpose, size_t n, const double L[], size_t ld, size_t m,
                  double B[], size_t ldb)
{
    if (n > 0 && m > 0) {
        blas_begin();
        cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, transpose, CblasNonUnit, (blasint)n,
                    (blasint)m, 1.0, L, (blasint)ld, B, (blasint)ldb);
        blas_end();
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

enum { INVERSE_BASE = 32 };

/* Where a triangle is divided: near the middle, at a whole number of vectors. */
static size_t split_at(size_t n)
{
    return (n / 2 + 15) / 16 * 16;
}

/* L ← L⁻¹ by halves: two smaller inverses and two products, faster than LAPACK's own. */
static int invert_lower(size_t n, double L[], size_t ld)
{
    if (n <= INVERSE_BASE) {
        lapack_int order = (lapack_int)n;
        lapack_int stride = (lapack_int)ld;
        lapack_int info = 0;
        LAPACK_dtrtri("L", "N", &order, L, &stride, &info);
        return (int)info;
    }
    size_t h = split_at(n);
    double *below = L + h;
    double *last = L + h * ld + h;
    if (invert_lower(h, L, ld) != 0 || invert_lower(n - h, last, ld) != 0) {
        return -1;
    }
    cblas_dtrmm(CblasColMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit, (blasint)(n - h),
                (blasint)h, 1.0, L, (blasint)ld, below, (blasint)ld);
    cblas_dtrmm(CblasColMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (blasint)(n - h),
                (blasint)h, -1.0, last, (blasint)ld, below, (blasint)ld);
    return 0;
}

/* M ← the lower triangle of MᵀM, by halves as well. */
static int square_lower(size_t n, double M[], size_t ld)
{
    if (n <= INVERSE_BASE) {
        lapack_int order = (lapack_int)n;
        lapack_int stride = (lapack_int)ld;
        lapack_int info = 0;
        LAPACK_dlauum("L", &order, M, &stride, &info);
        return (int)info;
    }
    size_t h = split_at(n);
    double *below = M + h;
    double *last = M + h * ld + h;
    if (square_lower(h, M, ld) != 0) {
        return -1;
    }
    cblas_dsyrk(CblasColMajor, CblasLower, CblasTrans, (blasint)h, (blasint)(n - h), 1.0, below,
                (blasint)ld, 1.0, M, (blasint)ld);
    cblas_dtrmm(CblasColMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, (blasint)(n - h),
                (blasint)h, 1.0, last, (blasint)ld, below, (blasint)ld);
    return square_lower(n - h, last, ld);
}

int linalg_inverse(size_t n, double A[], size_t ld, struct err *err)
{
    if (n == 0) {
        return 0;
    }
    blas_begin();
    bool has_inverse = invert_lower(n, A, ld) == 0 && square_lower(n, A, ld) == 0;
    blas_end();
    if (!has_inverse) {
        return err_set(err, ERR_NUMERIC, "a covariance of %zu points has no inverse", n);
    }
    return 0;
}

void linalg_multiply(bool ta, bool tb, size_t m, size_t n, size_t k, double alpha, const double A[],
                     size_t lda, const double B[], size_t ldb, double beta, double C[], size_t ldc)
{
    if (m > 0 && n > 0) {
        blas_begin();
        cblas_dgemm(CblasColMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
                    (blasint)m, (blasint)n, (blasint)k, alpha, A, (blasint)(lda == 0 ? 1 : lda), B,
                    (blasint)(ldb == 0 ? 1 : ldb), beta, C, (blasint)ldc);
        blas_end();
    }
}

void linalg_multiply_symmetric(size_t m, size_t n, const double A[], size_t lda, const double B[],
                               size_t ldb, double C[], size_t ldc)
{
    if (m > 0 && n > 0) {
        blas_begin();
        cblas_dsymm(CblasColMajor, CblasRight, CblasLower, (blasint)m, (blasint)n, 1.0, B,
                    (blasint)ldb, A, (blasint)lda, 0.0, C, (blasint)ldc);
        blas_end();
    }
}

double linalg_dot(size_t n, const double a[], const double b[])
{
    double part[4] = {0.0, 0.0, 0.0, 0.0};
    size_t i = 0;

    for (; i + 4 <= n; i += 4) {
        for (size_t k = 0; k < 4; k++) {
            part[k] += a[i + k] * b[i + k];
        }
    }
    for (; i < n; i++) {
        part[0] += a[i] * b[i];
    }
    return (part[0] + part[1]) + (part[2] + part[3]);
}

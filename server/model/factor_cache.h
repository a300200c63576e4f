/* Cholesky factors of covariance matrices, computed row by row and cached.
 *
 * The model of a study grows by a few points at a time while its hyper-parameters stay, so that
 * most rows of the next factor equal rows of the last one. Rows are computed in blocks of 64, each
 * from the rows before it by the same operations whether those were computed now or taken from the
 * cache: the cache reduces the cost from O(n³) to O(n²) and changes no digit.
 *
 * The cache is one for the process: at most four factors and 48 MiB; the least recently used one is
 * dropped. Safe from any thread: an acquired factor belongs to its caller until it is released. */
#ifndef SERVER_MODEL_FACTOR_CACHE_H
#define SERVER_MODEL_FACTOR_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"
#include "server/model/additive.h"

/* The covariance σ_f² ((1 − a) M52 + a k_a) + polynomial + σ_n² I + diag(extra) over x: n observed
 * points, then p pending ones. */
struct covariance {
    const struct points *x;
    size_t p;
    const double *extra;         /* noise variances of the observed points, or NULL */
    const double *theta;         /* hyper-parameters (gp.h); the rest follows from them */
    const struct kernel *kernel; /* of theta */
    const double *Z, *norm;      /* kernel_scale() of x */
    double share;                /* a; 0: additive and tables are not used */
    const struct additive *additive;
    const double *tables; /* additive_prepare() of x, leading dimension x->n */
    double signal, noise; /* σ_f², σ_n² */
    size_t n_features;    /* of the polynomial mean; 0: none */
    const double *phi;    /* polynomial_features() of x */
};

struct factor {
    double *L; /* lower triangle, x->n rows */
    size_t ld;
    /* private */
    size_t cap;
    size_t n_whole; /* rows of whole blocks: those that may be reused */
    size_t n_num, n_cat, n_features;
    double *theta;
    double *num, *extra; /* of those rows */
    int32_t *cat;
    uint64_t used_at;
};

/* ERR_NUMERIC: not positive definite even with jitter; ERR_NOMEM. */
MUST_USE int factor_acquire(const struct covariance *covariance, struct factor **factor,
                            struct err *err);
/* Returns the factor to the cache. NULL is accepted. */
void factor_release(struct factor *factor);
/* Frees what is in the cache: for tests that count blocks. */
void factor_cache_clear(void);

static inline void factor_drop(struct factor **owned)
{
    factor_release(*owned);
}

#endif

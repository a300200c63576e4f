/* Cholesky factors of covariances over points, row by row, remembered.
 *
 * A study's model grows by a few points at a time while its hyper-parameters stay, so that most
 * rows of the next factor are rows of the last one. Rows are made in blocks of 64, each from the
 * rows before it by the same operations whether those were just made or remembered: what is
 * remembered makes a factor cheaper, O(n²) instead of O(n³), and changes none of its digits.
 *
 * Up to four factors of 48 MiB in all stay remembered, the least recently used one makes room. Safe
 * from any thread: a factor in use belongs to its user alone. */
#ifndef SERVER_MODEL_FACTOR_H
#define SERVER_MODEL_FACTOR_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"
#include "server/model/kernel.h"

/* The covariance σ_f² M52 + drift + σ_n² I + diag(extra) over x: n observed points, then p pending
 * ones. */
struct covariance {
    const struct points *x;
    size_t p;
    const double *extra; /* of the observed points, or NULL */
    const double *theta; /* gp.h; what the rest follows from */
    const struct kernel *kernel;
    const double *Z, *norm; /* kernel_scale() of x */
    double signal, noise;
    size_t n_features; /* of the drift; 0: none */
    const double *phi; /* drift_features() of x */
};

struct factor {
    double *L; /* lower triangle, x->n rows */
    size_t ld;
    /* the inside */
    size_t cap;
    size_t n_whole; /* rows of whole blocks: what may be used again */
    size_t n_num, n_cat, n_features;
    double *theta;
    double *num, *extra; /* of those rows */
    int32_t *cat;
    uint64_t used_at;
};

/* ERR_NUMERIC: not positive definite even with jitter; ERR_NOMEM. */
MUST_USE int factor_take(const struct covariance *covariance, struct factor **factor,
                         struct err *err);
/* Gives it back, to be remembered. NULL is fine. */
void factor_release(struct factor *factor);
/* Frees all that nobody uses. */
void factor_forget_all(void);

static inline void factor_drop(struct factor **owned)
{
    factor_release(*owned);
}

#endif

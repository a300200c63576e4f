/* The posterior of a Gaussian process, with fantasies for trials that are still running.
 *
 * The covariance is σ_f² ((1 − a) M52(r) + a k_a), of kernel.h and additive.h; the hyper-parameters
 * are those of theta.h. The mean is zero, or a constant estimated by generalised least squares, m =
 * 1ᵀK⁻¹y / 1ᵀK⁻¹1; with GP_MEAN_POLYNOMIAL a polynomial with Gaussian coefficients (polynomial.h)
 * is added to the covariance. Pending points enter as S fantasies: outcomes drawn from their joint
 * posterior by given standard normal numbers. All fantasies share one factor, and so one variance.
 * Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), algorithm 2.1. */
#ifndef SERVER_MODEL_GP_H
#define SERVER_MODEL_GP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "server/model/additive.h"
#include "server/model/theta.h"

enum gp_mean { GP_MEAN_ZERO, GP_MEAN_CONSTANT, GP_MEAN_POLYNOMIAL };

/* What a posterior is computed from. All arrays are borrowed by gp_create(). */
struct gp_data {
    const struct points *x; /* n observed points, then p pending ones */
    size_t p;
    const double *y;     /* n, standardised */
    const double *extra; /* n: noise variances beyond σ_n², or NULL */
    const double *theta; /* gp_n_theta(x) */
    enum gp_mean mean;
    size_t n_fantasies; /* S; 1 is used where p is 0 or eps NULL */
    const double *eps;  /* p × S standard normal numbers; NULL: zeros ("kriging believer") */
};

struct gp {
    const struct points *x; /* borrowed: n observed, then p pending */
    size_t n, p, n_fantasies;
    double mean;           /* m */
    double signal, noise;  /* σ_f², σ_n² */
    double *y_pending;     /* p × n_fantasies: the fantasised outcomes */
    double *mean_observed; /* n: posterior mean of f at the observed points, without fantasies */
    /* private */
    struct workspace *work;
    struct kernel kernel;
    double share; /* a; 0: the covariance has no additive part */
    struct additive additive;
    struct factor *factor;
    const double *L; /* the factor; leading dimension ld */
    size_t ld;
    size_t n_features; /* of the polynomial; 0: none */
    double *w, *Z, *norm, *phi, *tables, *A;
};

/* data->x must outlive the model. O((n + p)³), or O((n + p)²) where most rows of the factor are
 * cached (factor_cache.h). ERR_NUMERIC: not positive definite; ERR_NOMEM. */
MUST_USE int gp_create(const struct gp_data *data, struct gp **gp, struct err *err);
/* Accepts NULL. */
void gp_destroy(struct gp *gp);
OWN_POINTER(gp)

/* Predictions and scratch for up to `cap` points at a time. */
struct gp_batch {
    size_t cap;
    size_t n;         /* points of the last gp_predict() */
    double *mean;     /* n_fantasies × n: the means of a point are adjacent */
    double *var;      /* n: of f, without noise; ≥ 1e-12 */
    bool with_slopes; /* gp_gradient() follows; at first as given to gp_batch_create() */
    /* private */
    struct workspace *work;
    double *Z, *norm, *phi, *tables, *K, *S, *ZC, *H;
};

/* `gradients`: gp_gradient() will be called. ERR_NOMEM. */
MUST_USE int gp_batch_create(const struct gp *gp, size_t cap, bool gradients,
                             struct gp_batch **batch, struct err *err);
void gp_batch_destroy(struct gp_batch *batch);
OWN_POINTER(gp_batch)

/* Fills batch->mean and batch->var for the points of q (at most cap). O(m (n + p)²). */
void gp_predict(const struct gp *gp, struct gp_batch *batch, const struct points *q);
/* After gp_predict() of the same q, once: gradient (n_num × m) of Σ_s a[s,j] mean_s(q_j) +
 * b[j] var(q_j) with respect to the numbers of each point; a is n_fantasies × m. */
void gp_gradient(const struct gp *gp, struct gp_batch *batch, const struct points *q,
                 const double a[], const double b[], double gradient[]);

#endif

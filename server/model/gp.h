/* Gaussian processes: evidence, posterior, and what is believed while trials are still running.
 *
 * Hyper-parameters travel as logarithms in one array:
 *
 *   theta  ln ℓ of each number, ln ℓ of each category, ln σ_f², ln σ_n²   (n_num + n_cat + 2)
 *
 * The mean is a constant taken by its own generalised least squares, m = 1ᵀK⁻¹y / 1ᵀK⁻¹1, or zero;
 * with GP_MEAN_DRIFT a drift (model/drift.h) joins the covariance too.
 * Pending points enter as S fantasies: each is drawn from the joint posterior through given normal
 * numbers, all share one factor, and so one variance (algorithms.md §1.4 j).
 * Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), algorithms 2.1 and 5.1. */
#ifndef SERVER_MODEL_GP_H
#define SERVER_MODEL_GP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "server/model/kernel.h"

enum gp_mean { GP_MEAN_ZERO, GP_MEAN_CONSTANT, GP_MEAN_DRIFT };

static inline size_t gp_n_theta(const struct points *x)
{
    return x->n_num + x->n_cat + 2;
}

/* ---- evidence: log p(y | theta) and its gradient ------------------------------------------- */
struct gp_evidence; /* scratch for one data set, used again for each theta */

/* Borrows x, y (standardised, n) and `extra`: variances of single values beyond σ_n² (n, or NULL
 * for none). */
MUST_USE int gp_evidence_create(const struct points *x, const double y[], const double extra[],
                                enum gp_mean mean, struct gp_evidence **evidence, struct err *err);
size_t gp_evidence_n(const struct gp_evidence *evidence); /* of x */
void gp_evidence_destroy(struct gp_evidence *evidence);
OWN_POINTER(gp_evidence)

/* log p(y | theta) up to nothing: with −½ n ln 2π. gradient (n_theta) may be NULL. The constant
 * mean is profiled, so the gradient holds for it too. O(n³). ERR_NUMERIC. */
MUST_USE int gp_log_evidence(struct gp_evidence *evidence, const double theta[], double *log_p,
                             double gradient[], struct err *err);
/* Leave-one-out means and variances (of the observation, noise included) at theta. O(n³). */
MUST_USE int gp_leave_one_out(struct gp_evidence *evidence, const double theta[], double mean[],
                              double var[], struct err *err);

/* ---- posterior ----------------------------------------------------------------------------- */
struct gp {
    const struct points *x; /* borrowed: n observed, then p pending */
    size_t n, p, n_fantasies;
    double mean;           /* m */
    double signal, noise;  /* σ_f², σ_n² */
    double *y_pending;     /* p × n_fantasies: the fantasised outcomes */
    double *mean_observed; /* n: posterior mean of f at the observed points, without fantasies */
    /* the inside */
    struct workspace *work;
    struct kernel kernel;
    struct factor *factor;
    const double *L; /* the factor's, rows `ld` apart */
    size_t ld;
    size_t n_features; /* of the drift; 0: none */
    double *w, *Z, *norm, *phi, *A;
};

/* `x` holds n observed points and then p pending ones; `y` n values and `extra` what they are
 * noisier than σ_n² (or NULL); `eps` p × n_fantasies standard normal numbers (NULL: zeros, one
 * fantasy, the "kriging believer"). O((n + p)³), and O((n + p)²) where a factor is remembered that
 * has most of the rows (factor.h). */
MUST_USE int gp_create(const struct points *x, size_t p, const double y[], const double extra[],
                       const double theta[], enum gp_mean mean, size_t n_fantasies,
                       const double eps[], struct gp **gp, struct err *err);
void gp_destroy(struct gp *gp);
OWN_POINTER(gp)

/* Scratch and answers for up to `cap` points at a time. */
struct gp_batch {
    size_t cap;
    double *mean;     /* n_fantasies × m: a point's means stand together */
    double *var;      /* m: of f, noise excluded; ≥ 1e-12 */
    bool with_slopes; /* gp_gradient() will be asked for: at first what the batch was made for */
    /* the inside */
    struct workspace *work;
    double *Z, *norm, *phi, *K, *S, *ZC, *H;
};

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

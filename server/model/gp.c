#include "server/model/gp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/drift.h"
#include "server/model/factor.h"
#include "server/model/linalg.h"

static const double least_var = 1e-12;

void gp_destroy(struct gp *gp)
{
    if (gp != NULL) {
        factor_release(gp->factor);
        if (gp->work != NULL) {
            workspace_finish(gp->work);
        }
        free(gp->work);
        free(gp);
    }
}

static int allocate(struct gp *gp, size_t n_theta, struct err *err)
{
    size_t all = gp->n + gp->p;
    size_t d = gp->x->n_num;

    gp->work = calloc(1, sizeof *gp->work);
    if (gp->work == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(workspace_init(gp->work,
                       workspace_round(n_theta) + workspace_round(all * d) + workspace_round(all)
                           + workspace_round(all * gp->n_features)
                           + workspace_round(all * gp->n_fantasies)
                           + workspace_round(gp->p * gp->n_fantasies) + workspace_round(gp->n)
                           + workspace_round(2 * gp->n),
                       err));
    gp->w = workspace_take(gp->work, n_theta);
    gp->Z = workspace_take(gp->work, all * d);
    gp->norm = workspace_take(gp->work, all);
    gp->phi = workspace_take(gp->work, all * gp->n_features);
    gp->A = workspace_take(gp->work, all * gp->n_fantasies);
    gp->y_pending = workspace_take(gp->work, gp->p * gp->n_fantasies);
    gp->mean_observed = workspace_take(gp->work, gp->n);
    return 0;
}

static int factor(struct gp *gp, const double extra[], const double theta[], struct err *err)
{
    struct covariance covariance = {.x = gp->x,
                                    .p = gp->p,
                                    .extra = extra,
                                    .theta = theta,
                                    .kernel = &gp->kernel,
                                    .Z = gp->Z,
                                    .norm = gp->norm,
                                    .signal = gp->signal,
                                    .noise = gp->noise,
                                    .n_features = gp->n_features,
                                    .phi = gp->phi};

    if (gp->n_features > 0) {
        drift_features(gp->x, gp->phi);
    }
    kernel_scale(&gp->kernel, gp->x, gp->Z, gp->norm);
    TRY(factor_take(&covariance, &gp->factor, err));
    gp->L = gp->factor->L;
    gp->ld = gp->factor->ld;
    return 0;
}

/* Solves for the mean and the whitened residuals v = L⁻¹(y − m); v has room for 2n. */
static void whiten(struct gp *gp, const double y[], const double extra[], enum gp_mean mean,
                   double v[])
{
    size_t n = gp->n;
    double *ones = v + n;

    if (n == 0) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        ones[i] = 1.0;
        v[i] = y[i];
    }
    linalg_solve_lower(n, gp->L, gp->ld, 2, v, n);
    gp->mean = mean == GP_MEAN_ZERO ? 0.0 : linalg_dot(n, ones, v) / linalg_dot(n, ones, ones);
    for (size_t i = 0; i < n; i++) {
        v[i] -= gp->mean * ones[i];
        gp->mean_observed[i] = v[i];
    }
    linalg_solve_upper(n, gp->L, gp->ld, 1, gp->mean_observed, n);
    if (gp->p == 0) { /* the only "fantasy": what is solved for here are its weights */
        memcpy(gp->A, gp->mean_observed, n * sizeof *gp->A);
    }
    for (size_t i = 0; i < n; i++) {
        double noise = gp->noise + (extra == NULL ? 0.0 : extra[i]);
        gp->mean_observed[i] = y[i] - noise * gp->mean_observed[i];
    }
}

/* A ← K⁻¹ of each fantasy's residuals; a fantasy is v continued by its normal numbers. */
static void fantasise(struct gp *gp, const double v[], const double eps[])
{
    size_t n = gp->n;
    size_t p = gp->p;
    size_t all = n + p;

    if (p == 0) {
        return;
    }
    for (size_t s = 0; s < gp->n_fantasies; s++) {
        double *column = gp->A + s * all;
        memcpy(column, v, n * sizeof *v);
        for (size_t i = 0; i < p; i++) {
            column[n + i] = eps == NULL ? 0.0 : eps[s * p + i];
        }
        for (size_t i = 0; i < p; i++) {
            double sum = gp->mean;
            for (size_t k = 0; k <= n + i; k++) {
                sum += gp->L[k * gp->ld + n + i] * column[k];
            }
            gp->y_pending[s * p + i] = sum;
        }
    }
    linalg_solve_upper(all, gp->L, gp->ld, gp->n_fantasies, gp->A, all);
}

int gp_create(const struct points *x, size_t p, const double y[], const double extra[],
              const double theta[], enum gp_mean mean, size_t n_fantasies, const double eps[],
              struct gp **gp, struct err *err)
{
    OWN(gp) struct gp *g = calloc(1, sizeof *g);
    size_t d = x->n_num + x->n_cat;

    if (g == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    g->x = x;
    g->n = x->n - p;
    g->p = p;
    g->n_fantasies = p == 0 || eps == NULL ? 1 : n_fantasies;
    g->signal = exp(theta[d]);
    g->noise = exp(theta[d + 1]);
    g->n_features = mean == GP_MEAN_DRIFT ? drift_n_features(x) : 0;
    TRY(allocate(g, d + 2, err));
    kernel_take(x, theta, g->w, &g->kernel);
    TRY(factor(g, extra, theta, err));
    double *v = workspace_take(g->work, 2 * g->n);
    whiten(g, y, extra, mean, v);
    fantasise(g, v, eps);
    *gp = g;
    g = NULL;
    return 0;
}

/* ---- answers for many points at once ------------------------------------------------------- */
void gp_batch_destroy(struct gp_batch *batch)
{
    if (batch != NULL) {
        if (batch->work != NULL) {
            workspace_finish(batch->work);
        }
        free(batch->work);
        free(batch);
    }
}

int gp_batch_create(const struct gp *gp, size_t cap, bool gradients, struct gp_batch **batch,
                    struct err *err)
{
    OWN(gp_batch) struct gp_batch *b = calloc(1, sizeof *b);
    size_t all = gp->n + gp->p;
    size_t d = gp->x->n_num;

    if (b == NULL || (b->work = calloc(1, sizeof *b->work)) == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    b->cap = cap;
    b->with_slopes = gradients;
    TRY(workspace_init(b->work,
                       2 * workspace_round(d * cap) + 2 * workspace_round(cap)
                           + 2 * workspace_round(gp->n_features * cap)
                           + workspace_round(gp->n_fantasies * cap)
                           + (gradients ? 2 : 1) * workspace_round(all * cap),
                       err));
    b->Z = workspace_take(b->work, d * cap);
    b->ZC = workspace_take(b->work, d * cap);
    b->norm = workspace_take(b->work, cap);
    b->phi = workspace_take(b->work, gp->n_features * cap);
    b->H = workspace_take(b->work, gp->n_features * cap);
    b->var = workspace_take(b->work, cap);
    b->mean = workspace_take(b->work, gp->n_fantasies * cap);
    b->K = workspace_take(b->work, all * cap);
    b->S = gradients ? workspace_take(b->work, all * cap) : NULL;
    *batch = b;
    b = NULL;
    return 0;
}

void gp_predict(const struct gp *gp, struct gp_batch *batch, const struct points *q)
{
    size_t all = gp->n + gp->p;
    size_t s = gp->n_fantasies;

    kernel_scale(&gp->kernel, q, batch->Z, batch->norm);
    kernel_cross(&gp->kernel, gp->x, gp->Z, gp->norm, q, batch->Z, batch->norm, batch->K,
                 batch->with_slopes ? batch->S : NULL, all == 0 ? 1 : all);
    if (gp->n_features > 0) {
        drift_features(q, batch->phi);
        drift_add(gp->n_features, 1.0 / gp->signal, all, gp->phi, q->n, batch->phi, batch->K, all);
    }
    for (size_t i = 0; i < s * q->n; i++) {
        batch->mean[i] = gp->mean;
    }
    linalg_multiply(true, false, s, q->n, all, gp->signal, gp->A, all, batch->K, all, 1.0,
                    batch->mean, s);
    linalg_solve_lower(all, gp->L, gp->ld, q->n, batch->K, all == 0 ? 1 : all);
    for (size_t j = 0; j < q->n; j++) {
        const double *v = batch->K + j * all; /* L⁻¹ of the covariances, over σ_f² */
        double known = gp->signal * gp->signal * linalg_dot(all, v, v);
        double prior = gp->signal + drift_variance(gp->n_features, batch->phi + j * gp->n_features);
        batch->var[j] = fmax(prior - known, least_var);
    }
}

/* H (features × m) ← the derivative with respect to each feature: through the covariances, whose
 * weights stand in K, and through the point's own variance. */
static void slope_of_drift(const struct gp *gp, struct gp_batch *batch, size_t m, const double b[])
{
    size_t f = gp->n_features;
    size_t all = gp->n + gp->p;

    if (f == 0) {
        return;
    }
    linalg_multiply(false, false, f, m, all, 1.0, gp->phi, f, batch->K, all, 0.0, batch->H, f);
    for (size_t j = 0; j < m; j++) {
        for (size_t i = 0; i < f; i++) {
            batch->H[j * f + i] += 2.0 * b[j] * batch->phi[j * f + i];
        }
    }
}

void gp_gradient(const struct gp *gp, struct gp_batch *batch, const struct points *q,
                 const double a[], const double b[], double gradient[])
{
    size_t all = gp->n + gp->p;
    size_t d = q->n_num;
    size_t s = gp->n_fantasies;

    /* K holds V = L⁻¹k/σ_f²: turn it into −2b K⁻¹k + A a, the derivative with respect to each k */
    linalg_solve_upper(all, gp->L, gp->ld, q->n, batch->K, all == 0 ? 1 : all);
    for (size_t j = 0; j < q->n; j++) {
        double scale = -2.0 * b[j] * gp->signal;
        for (size_t i = 0; i < all; i++) {
            batch->K[j * all + i] *= scale;
        }
    }
    linalg_multiply(false, false, all, q->n, s, 1.0, gp->A, all, a, s, 1.0, batch->K, all);
    slope_of_drift(gp, batch, q->n, b);
    for (size_t i = 0; i < all * q->n; i++) {
        batch->K[i] *= gp->signal * batch->S[i];
    }
    linalg_multiply(false, false, d, q->n, all, 1.0, gp->Z, d, batch->K, all, 0.0, batch->ZC, d);
    for (size_t j = 0; j < q->n; j++) {
        double sum = 0.0;
        for (size_t i = 0; i < all; i++) {
            sum += batch->K[j * all + i];
        }
        for (size_t k = 0; k < d; k++) {
            double dz = batch->Z[j * d + k] * sum - batch->ZC[j * d + k];
            gradient[j * d + k] = 2.0 * sqrt(gp->kernel.w_num[k]) * dz;
        }
        if (gp->n_features > 0) {
            drift_gradient(d, points_num(q, j), batch->H + j * gp->n_features, gradient + j * d);
        }
    }
}

#include "server/model/gp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/factor_cache.h"
#include "server/model/linalg.h"
#include "server/model/polynomial.h"

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

static int allocate(struct gp *gp, struct err *err)
{
    size_t all = gp->n + gp->p;
    size_t d = gp->x->n_num;
    size_t n_lengths = gp_theta_lengths(gp->x);
    size_t n_tables = gp->share > 0.0 ? additive_tables(gp->x, all) : 0;

    gp->work = calloc(1, sizeof *gp->work);
    if (gp->work == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(workspace_init(gp->work,
                       workspace_round(n_lengths) + workspace_round(all * d) + workspace_round(all)
                           + workspace_round(all * gp->n_features) + workspace_round(n_tables)
                           + workspace_round(all * gp->n_fantasies)
                           + workspace_round(gp->p * gp->n_fantasies) + workspace_round(gp->n)
                           + workspace_round(2 * gp->n),
                       err));
    gp->w = workspace_take(gp->work, n_lengths);
    gp->Z = workspace_take(gp->work, all * d);
    gp->norm = workspace_take(gp->work, all);
    gp->phi = workspace_take(gp->work, all * gp->n_features);
    gp->tables = workspace_take(gp->work, n_tables);
    gp->A = workspace_take(gp->work, all * gp->n_fantasies);
    gp->y_pending = workspace_take(gp->work, gp->p * gp->n_fantasies);
    gp->mean_observed = workspace_take(gp->work, gp->n);
    return 0;
}

static int factorise(struct gp *gp, const struct gp_data *data, struct err *err)
{
    struct covariance covariance = {.x = gp->x,
                                    .p = gp->p,
                                    .extra = data->extra,
                                    .theta = data->theta,
                                    .kernel = &gp->kernel,
                                    .Z = gp->Z,
                                    .norm = gp->norm,
                                    .share = gp->share,
                                    .additive = &gp->additive,
                                    .tables = gp->tables,
                                    .signal = gp->signal,
                                    .noise = gp->noise,
                                    .n_features = gp->n_features,
                                    .phi = gp->phi};

    if (gp->n_features > 0) {
        polynomial_features(gp->x, gp->phi);
    }
    kernel_scale(&gp->kernel, gp->x, gp->Z, gp->norm);
    if (gp->share > 0.0) {
        additive_prepare(&gp->additive, gp->x, gp->tables);
    }
    TRY(factor_acquire(&covariance, &gp->factor, err));
    gp->L = gp->factor->L;
    gp->ld = gp->factor->ld;
    return 0;
}

/* Computes the mean, mean_observed and the whitened residuals v = L⁻¹(y − m); v has room for 2n. */
static void whiten(struct gp *gp, const struct gp_data *data, double v[])
{
    size_t n = gp->n;
    double *ones = v + n;

    if (n == 0) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        ones[i] = 1.0;
        v[i] = data->y[i];
    }
    linalg_solve_lower(n, gp->L, gp->ld, 2, v, n);
    gp->mean =
        data->mean == GP_MEAN_ZERO ? 0.0 : linalg_dot(n, ones, v) / linalg_dot(n, ones, ones);
    for (size_t i = 0; i < n; i++) {
        v[i] -= gp->mean * ones[i];
        gp->mean_observed[i] = v[i];
    }
    linalg_solve_upper(n, gp->L, gp->ld, 1, gp->mean_observed, n);
    if (gp->p == 0) { /* one fantasy, whose weights are these */
        memcpy(gp->A, gp->mean_observed, n * sizeof *gp->A);
    }
    for (size_t i = 0; i < n; i++) {
        double noise = gp->noise + (data->extra == NULL ? 0.0 : data->extra[i]);
        gp->mean_observed[i] = data->y[i] - noise * gp->mean_observed[i];
    }
}

/* A ← K⁻¹ times the residuals of each fantasy; whitened, they are v followed by its normal numbers.
 */
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

int gp_create(const struct gp_data *data, struct gp **gp, struct err *err)
{
    OWN(gp) struct gp *g = calloc(1, sizeof *g);
    const struct points *x = data->x;

    if (g == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    g->x = x;
    g->n = x->n - data->p;
    g->p = data->p;
    g->n_fantasies = data->p == 0 || data->eps == NULL ? 1 : data->n_fantasies;
    g->signal = exp(data->theta[gp_theta_signal(x)]);
    g->noise = exp(data->theta[gp_theta_noise(x)]);
    g->share = gp_additive_share(x, data->theta);
    g->n_features = data->mean == GP_MEAN_POLYNOMIAL ? polynomial_n_features(x) : 0;
    TRY(allocate(g, err));
    kernel_init(x, data->theta, g->w, &g->kernel);
    additive_init(x, data->theta[gp_theta_additive_length(x)], &g->additive);
    TRY(factorise(g, data, err));
    double *v = workspace_take(g->work, 2 * g->n);
    whiten(g, data, v);
    fantasise(g, v, data->eps);
    *gp = g;
    g = NULL;
    return 0;
}

/* ---- predictions for many points at once ----------------------------------------------------- */
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
    size_t n_tables = gp->share > 0.0 ? additive_tables(gp->x, cap) : 0;

    if (b == NULL || (b->work = calloc(1, sizeof *b->work)) == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    b->cap = cap;
    b->with_slopes = gradients;
    TRY(workspace_init(b->work,
                       2 * workspace_round(d * cap) + 2 * workspace_round(cap)
                           + 2 * workspace_round(gp->n_features * cap) + workspace_round(n_tables)
                           + workspace_round(gp->n_fantasies * cap)
                           + (gradients ? 2 : 1) * workspace_round(all * cap),
                       err));
    b->Z = workspace_take(b->work, d * cap);
    b->ZC = workspace_take(b->work, d * cap);
    b->norm = workspace_take(b->work, cap);
    b->phi = workspace_take(b->work, gp->n_features * cap);
    b->H = workspace_take(b->work, gp->n_features * cap);
    b->tables = workspace_take(b->work, n_tables);
    b->var = workspace_take(b->work, cap);
    b->mean = workspace_take(b->work, gp->n_fantasies * cap);
    b->K = workspace_take(b->work, all * cap);
    b->S = gradients ? workspace_take(b->work, all * cap) : NULL;
    *batch = b;
    b = NULL;
    return 0;
}

/* K ← (1 − a) K + a k_a. */
static void add_additive_part(const struct gp *gp, struct gp_batch *batch, const struct points *q)
{
    size_t all = gp->n + gp->p;

    additive_prepare(&gp->additive, q, batch->tables);
    additive_mix(&gp->additive, (struct mixture){1.0 - gp->share, gp->share},
                 &(struct additive_points){gp->x, gp->tables, all},
                 &(struct additive_points){q, batch->tables, q->n}, batch->K, all);
}

void gp_predict(const struct gp *gp, struct gp_batch *batch, const struct points *q)
{
    size_t all = gp->n + gp->p;
    size_t s = gp->n_fantasies;

    batch->n = q->n;
    kernel_scale(&gp->kernel, q, batch->Z, batch->norm);
    kernel_cross(&gp->kernel, &(struct scaled_points){gp->x, gp->Z, gp->norm},
                 &(struct scaled_points){q, batch->Z, batch->norm}, batch->K,
                 batch->with_slopes ? batch->S : NULL, all == 0 ? 1 : all);
    if (gp->share > 0.0 && all > 0) {
        add_additive_part(gp, batch, q);
    }
    if (gp->n_features > 0) {
        polynomial_features(q, batch->phi);
        polynomial_add_covariance(
            1.0 / gp->signal, &(struct features){gp->n_features, all, gp->phi},
            &(struct features){gp->n_features, q->n, batch->phi}, batch->K, all);
    }
    for (size_t i = 0; i < s * q->n; i++) {
        batch->mean[i] = gp->mean;
    }
    linalg_multiply(true, false, s, q->n, all, gp->signal, gp->A, all, batch->K, all, 1.0,
                    batch->mean, s);
    linalg_solve_lower(all, gp->L, gp->ld, q->n, batch->K, all == 0 ? 1 : all);
    for (size_t j = 0; j < q->n; j++) {
        const double *v = batch->K + j * all; /* L⁻¹ of the covariances, over σ_f² */
        double explained = gp->signal * gp->signal * linalg_dot(all, v, v);
        double prior =
            gp->signal + polynomial_variance(gp->n_features, batch->phi + j * gp->n_features);
        batch->var[j] = fmax(prior - explained, least_var);
    }
}

/* H (features × m) ← the derivatives with respect to each feature: through the covariances, whose
 * weights are in K, and through the variance of the point itself. */
static void add_polynomial_slopes(const struct gp *gp, struct gp_batch *batch, size_t m,
                                  const double b[])
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
    add_polynomial_slopes(gp, batch, q->n, b);
    memset(gradient, 0, d * q->n * sizeof *gradient);
    if (gp->share > 0.0 && all > 0) {
        additive_add_gradient(&gp->additive, gp->share * gp->signal,
                              &(struct additive_points){gp->x, gp->tables, all},
                              &(struct additive_points){q, batch->tables, q->n}, batch->K,
                              gradient);
    }
    double product = gp->signal * (1.0 - gp->share);
    for (size_t i = 0; i < all * q->n; i++) {
        batch->K[i] *= product * batch->S[i];
    }
    linalg_multiply(false, false, d, q->n, all, 1.0, gp->Z, d, batch->K, all, 0.0, batch->ZC, d);
    for (size_t j = 0; j < q->n; j++) {
        double sum = 0.0;
        for (size_t i = 0; i < all; i++) {
            sum += batch->K[j * all + i];
        }
        for (size_t k = 0; k < d; k++) {
            double dz = batch->Z[j * d + k] * sum - batch->ZC[j * d + k];
            gradient[j * d + k] += 2.0 * sqrt(gp->kernel.w_num[k]) * dz;
        }
        if (gp->n_features > 0) {
            polynomial_add_gradient(d, points_num(q, j), batch->H + j * gp->n_features,
                                    gradient + j * d);
        }
    }
}

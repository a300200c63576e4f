#include "server/model/gp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/linalg.h"

static const double ln_2pi = 1.8378770664093454836;
static const double least_var = 1e-12;

/* ℓ⁻² of every number and category. */
static void take_weights(const struct points *x, const double theta[], double w[],
                         struct kernel *kernel)
{
    for (size_t k = 0; k < x->n_num + x->n_cat; k++) {
        w[k] = exp(-2.0 * theta[k]);
    }
    *kernel =
        (struct kernel){.n_num = x->n_num, .n_cat = x->n_cat, .w_num = w, .w_cat = w + x->n_num};
}

/* ---- evidence ------------------------------------------------------------------------------ */
struct gp_evidence {
    const struct points *x;
    const double *y, *extra;
    enum gp_mean mean;
    struct workspace work;
    double *w, *Z, *norm, *M, *S, *K, *ones, *alpha, *sums, *CZ, *diagonal;
};

int gp_evidence_create(const struct points *x, const double y[], const double extra[],
                       enum gp_mean mean, struct gp_evidence **evidence, struct err *err)
{
    OWN(gp_evidence) struct gp_evidence *e = calloc(1, sizeof *e);
    size_t n = x->n;
    size_t d = x->n_num;

    if (e == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    e->x = x;
    e->y = y;
    e->extra = extra;
    e->mean = mean;
    TRY(workspace_init(&e->work,
                       3 * workspace_round(n * n) + 2 * workspace_round(n * d)
                           + 5 * workspace_round(n) + workspace_round(d + x->n_cat),
                       err));
    e->w = workspace_take(&e->work, d + x->n_cat);
    e->Z = workspace_take(&e->work, n * d);
    e->norm = workspace_take(&e->work, n);
    e->M = workspace_take(&e->work, n * n);
    e->S = workspace_take(&e->work, n * n);
    e->K = workspace_take(&e->work, n * n);
    e->ones = workspace_take(&e->work, n);
    e->alpha = workspace_take(&e->work, n);
    e->sums = workspace_take(&e->work, n);
    e->CZ = workspace_take(&e->work, n * d);
    e->diagonal = workspace_take(&e->work, n);
    *evidence = e;
    e = NULL;
    return 0;
}

void gp_evidence_destroy(struct gp_evidence *evidence)
{
    if (evidence != NULL) {
        workspace_finish(&evidence->work);
        free(evidence);
    }
}

/* K ← the covariance of the observations, both triangles; M and S likewise without σ_f². */
static void build(struct gp_evidence *e, const double theta[], struct kernel *kernel)
{
    size_t n = e->x->n;
    size_t d = e->x->n_num + e->x->n_cat;
    double signal = exp(theta[d]);
    double noise = exp(theta[d + 1]);

    take_weights(e->x, theta, e->w, kernel);
    kernel_scale(kernel, e->x, e->Z, e->norm);
    kernel_cross(kernel, e->x, e->Z, e->norm, e->x, e->Z, e->norm, e->M, e->S, n);
    for (size_t i = 0; i < n * n; i++) {
        e->K[i] = signal * e->M[i];
    }
    for (size_t i = 0; i < n; i++) {
        e->M[i * n + i] = 1.0;
        e->K[i * n + i] = signal + noise + (e->extra == NULL ? 0.0 : e->extra[i]);
    }
}

static double dot(size_t n, const double a[], const double b[])
{
    double sum = 0.0;

    for (size_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* alpha ← K⁻¹(y − m) from the factor in K; returns (y − m)ᵀ K⁻¹ (y − m). */
static double weigh(struct gp_evidence *e)
{
    size_t n = e->x->n;

    for (size_t i = 0; i < n; i++) {
        e->ones[i] = 1.0;
        e->alpha[i] = e->y[i];
    }
    linalg_solve_lower(n, e->K, n, 1, e->ones, n);
    linalg_solve_lower(n, e->K, n, 1, e->alpha, n);
    double m = e->mean == GP_MEAN_ZERO ? 0.0 : dot(n, e->ones, e->alpha) / dot(n, e->ones, e->ones);
    for (size_t i = 0; i < n; i++) {
        e->alpha[i] -= m * e->ones[i];
    }
    double quadratic = dot(n, e->alpha, e->alpha);
    linalg_solve_upper(n, e->K, n, 1, e->alpha, n);
    return quadratic;
}

/* K ← ½(K⁻¹ − αα ᵀ) = −∂ log p/∂K. */
static int sensitivity(struct gp_evidence *e, struct err *err)
{
    size_t n = e->x->n;

    TRY(linalg_inverse(n, e->K, n, err));
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++) {
            e->K[j * n + i] = 0.5 * (e->K[j * n + i] - e->alpha[i] * e->alpha[j]);
        }
    }
    return 0;
}

/* S ← sensitivity × σ_f² × ∂M52/∂(r²), zero on the diagonal; sums ← its row sums. */
static void contract(struct gp_evidence *e, double signal)
{
    size_t n = e->x->n;

    for (size_t i = 0; i < n * n; i++) {
        e->S[i] *= signal * e->K[i];
    }
    for (size_t j = 0; j < n; j++) {
        e->S[j * n + j] = 0.0;
    }
    for (size_t j = 0; j < n; j++) {
        double sum = 0.0;
        for (size_t i = 0; i < n; i++) {
            sum += e->S[j * n + i];
        }
        e->sums[j] = sum;
    }
}

/* Σ_jk S_jk [c_j ≠ c_k] of one category. */
static double hamming_sum(const struct gp_evidence *e, size_t k)
{
    size_t n = e->x->n;
    double sum = 0.0;

    for (size_t j = 0; j < n; j++) {
        int32_t code = points_cat(e->x, j)[k];
        for (size_t i = 0; i < n; i++) {
            sum += points_cat(e->x, i)[k] != code ? e->S[j * n + i] : 0.0;
        }
    }
    return sum;
}

static void fill_gradient(struct gp_evidence *e, const double theta[], double gradient[])
{
    size_t n = e->x->n;
    size_t d = e->x->n_num;
    size_t all = d + e->x->n_cat;
    double signal = exp(theta[all]);
    double noise = exp(theta[all + 1]);
    double trace = 0.0;

    gradient[all] = -signal * dot(n * n, e->K, e->M);
    for (size_t i = 0; i < n; i++) {
        trace += e->K[i * n + i];
    }
    gradient[all + 1] = -noise * trace;
    contract(e, signal);
    /* ∂r²/∂ln ℓ = −2 (Δ/ℓ)²; Σ_jk S_jk (z_j − z_k)² = 2 Σ_j z_j² sums_j − 2 Σ_j z_j (Sz)_j */
    linalg_multiply(false, false, d, n, n, 1.0, e->Z, d, e->S, n, 0.0, e->CZ, d);
    for (size_t k = 0; k < d; k++) {
        double sum = 0.0;
        for (size_t j = 0; j < n; j++) {
            double z = e->Z[j * d + k];
            sum += z * (z * e->sums[j] - e->CZ[j * d + k]);
        }
        gradient[k] = 4.0 * sum;
    }
    for (size_t k = 0; k < e->x->n_cat; k++) {
        gradient[d + k] = 2.0 * e->w[d + k] * hamming_sum(e, k);
    }
}

int gp_log_evidence(struct gp_evidence *evidence, const double theta[], double *log_p,
                    double gradient[], struct err *err)
{
    struct gp_evidence *e = evidence;
    size_t n = e->x->n;
    struct kernel kernel;
    double jitter = 0.0;
    double log_det = 0.0;

    build(e, theta, &kernel);
    TRY(linalg_cholesky(n, e->K, n, e->diagonal, &jitter, err));
    for (size_t i = 0; i < n; i++) {
        log_det += log(e->K[i * n + i]);
    }
    double quadratic = weigh(e);
    if (gradient != NULL) {
        TRY(sensitivity(e, err));
        fill_gradient(e, theta, gradient);
    }
    *log_p = -0.5 * quadratic - log_det - 0.5 * (double)n * ln_2pi;
    return 0;
}

int gp_leave_one_out(struct gp_evidence *evidence, const double theta[], double mean[],
                     double var[], struct err *err)
{
    struct gp_evidence *e = evidence;
    size_t n = e->x->n;
    struct kernel kernel;
    double jitter = 0.0;

    build(e, theta, &kernel);
    TRY(linalg_cholesky(n, e->K, n, e->diagonal, &jitter, err));
    (void)weigh(e);
    TRY(linalg_inverse(n, e->K, n, err));
    for (size_t i = 0; i < n; i++) {
        var[i] = 1.0 / e->K[i * n + i];
        mean[i] = e->y[i] - e->alpha[i] * var[i];
    }
    return 0;
}

/* ---- posterior ----------------------------------------------------------------------------- */
void gp_destroy(struct gp *gp)
{
    if (gp != NULL) {
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
                       workspace_round(n_theta) + workspace_round(all * d)
                           + 2 * workspace_round(all) + workspace_round(all * all)
                           + workspace_round(all * gp->n_fantasies)
                           + workspace_round(gp->p * gp->n_fantasies) + 3 * workspace_round(gp->n),
                       err));
    gp->w = workspace_take(gp->work, n_theta);
    gp->Z = workspace_take(gp->work, all * d);
    gp->norm = workspace_take(gp->work, all);
    gp->L = workspace_take(gp->work, all * all);
    gp->A = workspace_take(gp->work, all * gp->n_fantasies);
    gp->y_pending = workspace_take(gp->work, gp->p * gp->n_fantasies);
    gp->mean_observed = workspace_take(gp->work, gp->n);
    return 0;
}

/* L ← the factor: observed block first, then the pending rows appended to it. */
static int factor(struct gp *gp, const double extra[], struct err *err)
{
    size_t all = gp->n + gp->p;
    double *diagonal = workspace_take(gp->work, all);
    double jitter = 0.0;

    kernel_scale(&gp->kernel, gp->x, gp->Z, gp->norm);
    kernel_cross(&gp->kernel, gp->x, gp->Z, gp->norm, gp->x, gp->Z, gp->norm, gp->L, NULL, all);
    for (size_t i = 0; i < all * all; i++) {
        gp->L[i] *= gp->signal;
    }
    for (size_t i = 0; i < all; i++) {
        gp->L[i * all + i] =
            gp->signal + gp->noise + (extra == NULL || i >= gp->n ? 0.0 : extra[i]);
    }
    TRY(linalg_cholesky(gp->n, gp->L, all, diagonal, &jitter, err));
    return linalg_append(gp->n, gp->p, gp->L, all, diagonal, &jitter, err);
}

/* Solves for the mean and the whitened residuals v = L⁻¹(y − m). */
static void whiten(struct gp *gp, const double y[], const double extra[], enum gp_mean mean,
                   double v[])
{
    size_t n = gp->n;
    size_t all = gp->n + gp->p;
    double *ones = workspace_take(gp->work, n);

    for (size_t i = 0; i < n; i++) {
        ones[i] = 1.0;
        v[i] = y[i];
    }
    linalg_solve_lower(n, gp->L, all, 1, v, n == 0 ? 1 : n);
    linalg_solve_lower(n, gp->L, all, 1, ones, n == 0 ? 1 : n);
    gp->mean = mean == GP_MEAN_ZERO || n == 0 ? 0.0 : dot(n, ones, v) / dot(n, ones, ones);
    for (size_t i = 0; i < n; i++) {
        v[i] -= gp->mean * ones[i];
        gp->mean_observed[i] = v[i];
    }
    linalg_solve_upper(n, gp->L, all, 1, gp->mean_observed, n == 0 ? 1 : n);
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

    for (size_t s = 0; s < gp->n_fantasies; s++) {
        double *column = gp->A + s * all;
        memcpy(column, v, n * sizeof *v);
        for (size_t i = 0; i < p; i++) {
            column[n + i] = eps == NULL ? 0.0 : eps[s * p + i];
        }
        for (size_t i = 0; i < p; i++) {
            double sum = gp->mean;
            for (size_t k = 0; k <= n + i; k++) {
                sum += gp->L[k * all + n + i] * column[k];
            }
            gp->y_pending[s * p + i] = sum;
        }
    }
    linalg_solve_upper(all, gp->L, all, gp->n_fantasies, gp->A, all == 0 ? 1 : all);
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
    TRY(allocate(g, d + 2, err));
    take_weights(x, theta, g->w, &g->kernel);
    TRY(factor(g, extra, err));
    double *v = workspace_take(g->work, g->n);
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
    TRY(workspace_init(b->work,
                       2 * workspace_round(d * cap) + 2 * workspace_round(cap)
                           + workspace_round(gp->n_fantasies * cap)
                           + (gradients ? 2 : 1) * workspace_round(all * cap),
                       err));
    b->Z = workspace_take(b->work, d * cap);
    b->ZC = workspace_take(b->work, d * cap);
    b->norm = workspace_take(b->work, cap);
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
    kernel_cross(&gp->kernel, gp->x, gp->Z, gp->norm, q, batch->Z, batch->norm, batch->K, batch->S,
                 all == 0 ? 1 : all);
    for (size_t i = 0; i < all * q->n; i++) {
        batch->K[i] *= gp->signal;
    }
    for (size_t i = 0; i < s * q->n; i++) {
        batch->mean[i] = gp->mean;
    }
    linalg_multiply(true, false, s, q->n, all, 1.0, gp->A, all, batch->K, all, 1.0, batch->mean, s);
    linalg_solve_lower(all, gp->L, all, q->n, batch->K, all == 0 ? 1 : all);
    for (size_t j = 0; j < q->n; j++) {
        const double *v = batch->K + j * all;
        batch->var[j] = fmax(gp->signal - dot(all, v, v), least_var);
    }
}

void gp_gradient(const struct gp *gp, struct gp_batch *batch, const struct points *q,
                 const double a[], const double b[], double gradient[])
{
    size_t all = gp->n + gp->p;
    size_t d = q->n_num;
    size_t s = gp->n_fantasies;

    /* K holds V = L⁻¹k: turn it into −2b K⁻¹k + A a, the derivative with respect to each k */
    linalg_solve_upper(all, gp->L, all, q->n, batch->K, all == 0 ? 1 : all);
    for (size_t j = 0; j < q->n; j++) {
        for (size_t i = 0; i < all; i++) {
            batch->K[j * all + i] *= -2.0 * b[j];
        }
    }
    linalg_multiply(false, false, all, q->n, s, 1.0, gp->A, all, a, s, 1.0, batch->K, all);
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
    }
}

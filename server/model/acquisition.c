#include "server/model/acquisition.h"

#include <math.h>
#include <stdlib.h>

#include "common/normal.h"
#include "server/model/linalg.h"

static const double half_ln_2pi = 0.91893853320467274178;
enum { NEWS_FROM = 30 };                   /* results: before that, nobody knows the noise */
static const double news_noise_max = 1e-2; /* of a variance of 1: what counts as nearly exact */
static const double far_tail = -10.0; /* below it the asymptotic series is exact to the last bit */

double normal_density(double z)
{
    return exp(-0.5 * z * z - half_ln_2pi);
}

/* Σ_{k=1..20} (−1)^k (2k + odd − 2)!! z^{−2k}: odd = 1 for Φ, 3 for h. */
static double tail_series(double z, double odd)
{
    double inverse = 1.0 / (z * z);
    double term = 1.0;
    double sum = 0.0;

    for (int k = 1; k <= 20; k++) {
        term *= -(2.0 * k - 2.0 + odd) * inverse;
        sum += term;
    }
    return sum;
}

double log_normal_distribution(double z)
{
    if (z > far_tail) {
        return log(normal_cdf(z));
    }
    return -0.5 * z * z - half_ln_2pi - log(-z) + log1p(tail_series(z, 1.0));
}

double log_h(double z)
{
    if (z > far_tail) {
        return log(normal_density(z) + z * normal_cdf(z));
    }
    return -0.5 * z * z - half_ln_2pi - 2.0 * log(-z) + log1p(tail_series(z, 3.0));
}

void log_h_slopes(double z, double *phi_over_h, double *Phi_over_h)
{
    if (z > far_tail) {
        double phi = normal_density(z);
        double Phi = normal_cdf(z);
        double h = phi + z * Phi;
        *phi_over_h = phi / h;
        *Phi_over_h = Phi / h;
        return;
    }
    double scale = 1.0 + tail_series(z, 3.0); /* h = φ z⁻² scale */
    *phi_over_h = z * z / scale;
    *Phi_over_h = -z * (1.0 + tail_series(z, 1.0)) / scale;
}

double log_expected_improvement(double mean, double sd, double best)
{
    return log(sd) + log_h((best - mean) / sd);
}

void incumbents(const struct gp *gp, double best, double per_fantasy[])
{
    for (size_t s = 0; s < gp->n_fantasies; s++) {
        per_fantasy[s] = best;
        for (size_t i = 0; i < gp->p; i++) {
            per_fantasy[s] = fmin(per_fantasy[s], gp->y_pending[s * gp->p + i]);
        }
    }
}

/* One point: the log of the mean of its fantasies' EI. */
static double log_mean(size_t n, const double mean[], double sd, const double best[])
{
    double top = -INFINITY;
    double sum = 0.0;

    for (size_t s = 0; s < n; s++) {
        double l = log_h((best[s] - mean[s]) / sd);
        if (l > top) {
            sum = sum * exp(top - l) + 1.0;
            top = l;
        } else {
            sum += exp(l - top);
        }
    }
    return log(sd) + top + log(sum / (double)n);
}

/* ∂/∂μ_s = −q_s Φ/(σh), ∂/∂σ² = Σ q_s φ/(2σ²h), q_s the fantasy's share of the mean. */
static void weights(size_t n, const double mean[], double sd, const double best[], double value,
                    double a[], double *b)
{
    double sum = 0.0;

    for (size_t s = 0; s < n; s++) {
        double z = (best[s] - mean[s]) / sd;
        double phi = 0.0;
        double Phi = 0.0;
        double share = exp(log(sd) + log_h(z) - value) / (double)n;
        log_h_slopes(z, &phi, &Phi);
        a[s] = -share * Phi / sd;
        sum += share * phi;
    }
    *b = sum / (2.0 * sd * sd);
}

double log_news(double var, double noise, double *slope)
{
    double q = sqrt(noise / (var + noise));

    *slope = 1.0 / var - 1.0 / (var + noise) + q / (2.0 * (var + noise) * (1.0 + q));
    return log(var / (var + noise)) - log1p(q);
}

void log_ei_batch(const struct gp *gp, const struct gp_batch *batch, size_t m, const double best[],
                  double value[], double a[], double b[])
{
    size_t n = gp->n_fantasies;

    for (size_t j = 0; j < m; j++) {
        double sd = sqrt(batch->var[j]);
        double slope = 0.0;
        double share = gp->n < NEWS_FROM
                           ? 0.0
                           : log_news(batch->var[j], fmin(gp->noise, news_noise_max), &slope);
        value[j] = log_mean(n, batch->mean + j * n, sd, best);
        if (a != NULL) {
            weights(n, batch->mean + j * n, sd, best, value[j], a + j * n, b + j);
            b[j] += slope;
        }
        value[j] += share;
    }
}

/* ---- improvement and feasibility together --------------------------------------------------- */
static const double ok_spread = 0.05; /* s²: a mean of 0 is an even chance, ±½ nearly certain */

double log_p_ok(double mean, double var)
{
    return log_normal_distribution(mean / sqrt(ok_spread + var));
}

void acquisition_destroy(struct acquisition *acquisition)
{
    if (acquisition != NULL) {
        gp_batch_destroy(acquisition->batch);
        gp_batch_destroy(acquisition->ok_batch);
        if (acquisition->work != NULL) {
            workspace_finish(acquisition->work);
        }
        free(acquisition->work);
        if (acquisition->near != NULL) {
            workspace_finish(acquisition->near);
        }
        free(acquisition->near);
        free(acquisition);
    }
}

int acquisition_create(const struct gp *gp, const struct gp *ok, double best, size_t cap,
                       struct acquisition **acquisition, struct err *err)
{
    OWN(acquisition) struct acquisition *a = calloc(1, sizeof *a);
    size_t s = gp->n_fantasies;
    size_t d = gp->x->n_num;

    if (a == NULL || (a->work = calloc(1, sizeof *a->work)) == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    a->gp = gp;
    a->ok = ok;
    a->cap = cap;
    TRY(workspace_init(a->work,
                       workspace_round(s) + workspace_round(s * cap) + 4 * workspace_round(cap)
                           + workspace_round(d * cap),
                       err));
    a->best = workspace_take(a->work, s);
    a->a = workspace_take(a->work, s * cap);
    a->b = workspace_take(a->work, cap);
    a->ok_value = workspace_take(a->work, cap);
    a->ok_a = workspace_take(a->work, cap);
    a->ok_b = workspace_take(a->work, cap);
    a->ok_gradient = workspace_take(a->work, d * cap);
    incumbents(gp, best, a->best);
    TRY(gp_batch_create(gp, cap, true, &a->batch, err));
    if (ok != NULL) {
        TRY(gp_batch_create(ok, cap, true, &a->ok_batch, err));
    }
    *acquisition = a;
    a = NULL;
    return 0;
}

/* ---- curves that were begun ------------------------------------------------------------------ */
static const double least_share = 1e-9;

int acquisition_avoid(struct acquisition *a, const struct points *begun, struct err *err)
{
    size_t d = a->gp->x->n_num;

    if (begun->n == 0) {
        return 0;
    }
    if ((a->near = calloc(1, sizeof *a->near)) == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    TRY(workspace_init(a->near,
                       workspace_round(d * begun->n) + workspace_round(begun->n)
                           + workspace_round(d * a->cap) + workspace_round(a->cap)
                           + workspace_round(begun->n * a->cap),
                       err));
    a->begun_Z = workspace_take(a->near, d * begun->n);
    a->begun_norm = workspace_take(a->near, begun->n);
    a->near_Z = workspace_take(a->near, d * a->cap);
    a->near_norm = workspace_take(a->near, a->cap);
    a->near_K = workspace_take(a->near, begun->n * a->cap);
    kernel_scale(&a->gp->kernel, begun, a->begun_Z, a->begun_norm);
    a->begun = begun;
    return 0;
}

static void add_share_untold(struct acquisition *a, const struct points *q, double value[])
{
    size_t n = a->begun->n;

    kernel_scale(&a->gp->kernel, q, a->near_Z, a->near_norm);
    kernel_cross(&a->gp->kernel, a->begun, a->begun_Z, a->begun_norm, q, a->near_Z, a->near_norm,
                 a->near_K, NULL, n);
    for (size_t j = 0; j < q->n; j++) {
        double rho = 0.0;
        for (size_t i = 0; i < n; i++) {
            rho = fmax(rho, a->near_K[j * n + i]);
        }
        value[j] += log(fmax(1.0 - rho * rho, least_share));
    }
}

/* Adds ln P(ok), and its gradient unless NULL. */
static void add_ok(struct acquisition *a, const struct points *q, double value[], double gradient[])
{
    a->ok_batch->with_slopes = gradient != NULL;
    gp_predict(a->ok, a->ok_batch, q);
    for (size_t j = 0; j < q->n; j++) {
        double spread = ok_spread + a->ok_batch->var[j];
        double t = a->ok_batch->mean[j] / sqrt(spread);
        double log_p = log_normal_distribution(t);
        double slope = exp(-0.5 * t * t - half_ln_2pi - log_p); /* φ/Φ */
        value[j] += log_p;
        a->ok_a[j] = slope / sqrt(spread);
        a->ok_b[j] = -0.5 * slope * t / spread;
    }
    if (gradient != NULL) {
        gp_gradient(a->ok, a->ok_batch, q, a->ok_a, a->ok_b, a->ok_gradient);
        for (size_t i = 0; i < q->n * q->n_num; i++) {
            gradient[i] += a->ok_gradient[i];
        }
    }
}

void acquisition_score(struct acquisition *acquisition, const struct points *q, double value[],
                       double gradient[])
{
    struct acquisition *a = acquisition;

    for (size_t from = 0; from < q->n; from += a->cap) {
        struct points part = *q; /* a window: nothing is copied */
        part.n = q->n - from < a->cap ? q->n - from : a->cap;
        part.num = q->num + from * q->n_num;
        part.cat = q->cat + from * q->n_cat;
        double *slope = gradient == NULL ? NULL : gradient + from * q->n_num;
        a->batch->with_slopes = gradient != NULL;
        gp_predict(a->gp, a->batch, &part);
        if (a->trend != NULL) {
            trend_add(a->trend, &part, a->gp->n_fantasies, a->batch->mean);
        }
        log_ei_batch(a->gp, a->batch, part.n, a->best, value + from, slope == NULL ? NULL : a->a,
                     slope == NULL ? NULL : a->b);
        if (slope != NULL) {
            gp_gradient(a->gp, a->batch, &part, a->a, a->b, slope);
            if (a->trend != NULL) {
                trend_add_gradient(a->trend, &part, a->gp->n_fantasies, a->a, slope);
            }
        }
        if (a->begun != NULL && slope == NULL) {
            add_share_untold(a, &part, value + from);
        }
        if (a->ok != NULL) {
            add_ok(a, &part, value + from, slope);
        }
    }
}

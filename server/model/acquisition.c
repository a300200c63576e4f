#include "server/model/acquisition.h"

#include <math.h>
#include <stdlib.h>

#include "common/normal.h"
#include "server/model/linalg.h"

static const double half_ln_2pi = 0.91893853320467274178;
enum { AUGMENTED_FROM = 30 }; /* observed points: with fewer the noise estimate is unreliable */
static const double augmented_noise_max = 1e-2; /* noise variance; the data have variance 1 */
static const double far_tail = -10.0; /* below it the asymptotic series is exact to the last bit */
static const double feasibility_spread = 0.05; /* s² of log_feasibility() */
static const double least_independence = 1e-9; /* of 1 − ρ² */

static double normal_density(double z)
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

void fantasy_incumbents(const struct gp *gp, double best, double per_fantasy[])
{
    for (size_t s = 0; s < gp->n_fantasies; s++) {
        per_fantasy[s] = best;
        for (size_t i = 0; i < gp->p; i++) {
            per_fantasy[s] = fmin(per_fantasy[s], gp->y_pending[s * gp->p + i]);
        }
    }
}

/* The logarithm of the mean EI of n fantasies at one point. */
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

double log_augmentation(double var, double noise, double *slope)
{
    double q = sqrt(noise / (var + noise));

    *slope = 1.0 / var - 1.0 / (var + noise) + q / (2.0 * (var + noise) * (1.0 + q));
    return log(var / (var + noise)) - log1p(q);
}

void log_ei_batch(const struct gp *gp, const struct gp_batch *batch, const double best[],
                  double value[], double a[], double b[])
{
    size_t n = gp->n_fantasies;

    for (size_t j = 0; j < batch->n; j++) {
        const double *mean = batch->mean + j * n;
        double sd = sqrt(batch->var[j]);
        double slope = 0.0;
        double augmentation =
            gp->n < AUGMENTED_FROM
                ? 0.0
                : log_augmentation(batch->var[j], fmin(gp->noise, augmented_noise_max), &slope);
        value[j] = log_mean(n, mean, sd, best);
        /* ∂/∂μ_s = −q_s Φ/(σh), ∂/∂σ² = Σ q_s φ/(2σ²h); q_s: the fantasy's share of the mean EI */
        double sum = 0.0;
        for (size_t s = 0; a != NULL && s < n; s++) {
            double z = (best[s] - mean[s]) / sd;
            double phi = 0.0;
            double Phi = 0.0;
            double share = exp(log(sd) + log_h(z) - value[j]) / (double)n;
            log_h_slopes(z, &phi, &Phi);
            a[j * n + s] = -share * Phi / sd;
            sum += share * phi;
        }
        if (a != NULL) {
            b[j] = sum / (2.0 * sd * sd) + slope;
        }
        value[j] += augmentation;
    }
}

double log_feasibility(double mean, double var)
{
    return log_normal_distribution(mean / sqrt(feasibility_spread + var));
}

/* ---- the acquisition function of one suggestion ---------------------------------------------- */
void acquisition_destroy(struct acquisition *acquisition)
{
    if (acquisition != NULL) {
        gp_batch_destroy(acquisition->batch);
        gp_batch_destroy(acquisition->feasibility_batch);
        if (acquisition->work != NULL) {
            workspace_finish(acquisition->work);
        }
        free(acquisition->work);
        if (acquisition->penalty_work != NULL) {
            workspace_finish(acquisition->penalty_work);
        }
        free(acquisition->penalty_work);
        free(acquisition);
    }
}

int acquisition_create(const struct gp *gp, const struct gp *feasibility, double best, size_t cap,
                       struct acquisition **acquisition, struct err *err)
{
    OWN(acquisition) struct acquisition *a = calloc(1, sizeof *a);
    size_t s = gp->n_fantasies;
    size_t d = gp->x->n_num;

    if (a == NULL || (a->work = calloc(1, sizeof *a->work)) == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    a->gp = gp;
    a->feasibility = feasibility;
    a->cap = cap;
    TRY(workspace_init(a->work,
                       workspace_round(s) + workspace_round(s * cap) + 3 * workspace_round(cap)
                           + workspace_round(d * cap),
                       err));
    a->best = workspace_take(a->work, s);
    a->a = workspace_take(a->work, s * cap);
    a->b = workspace_take(a->work, cap);
    a->feasibility_a = workspace_take(a->work, cap);
    a->feasibility_b = workspace_take(a->work, cap);
    a->feasibility_gradient = workspace_take(a->work, d * cap);
    fantasy_incumbents(gp, best, a->best);
    TRY(gp_batch_create(gp, cap, true, &a->batch, err));
    if (feasibility != NULL) {
        TRY(gp_batch_create(feasibility, cap, true, &a->feasibility_batch, err));
    }
    *acquisition = a;
    a = NULL;
    return 0;
}

int acquisition_penalise(struct acquisition *a, const struct points *avoided, struct err *err)
{
    size_t d = a->gp->x->n_num;

    if (avoided->n == 0) {
        return 0;
    }
    if ((a->penalty_work = calloc(1, sizeof *a->penalty_work)) == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    TRY(workspace_init(a->penalty_work,
                       workspace_round(d * avoided->n) + workspace_round(avoided->n)
                           + workspace_round(d * a->cap) + workspace_round(a->cap)
                           + workspace_round(avoided->n * a->cap),
                       err));
    a->avoided_Z = workspace_take(a->penalty_work, d * avoided->n);
    a->avoided_norm = workspace_take(a->penalty_work, avoided->n);
    a->q_Z = workspace_take(a->penalty_work, d * a->cap);
    a->q_norm = workspace_take(a->penalty_work, a->cap);
    a->K = workspace_take(a->penalty_work, avoided->n * a->cap);
    kernel_scale(&a->gp->kernel, avoided, a->avoided_Z, a->avoided_norm);
    a->avoided = avoided;
    return 0;
}

static void add_penalty(struct acquisition *a, const struct points *q, double value[])
{
    const struct scaled_points avoided = {a->avoided, a->avoided_Z, a->avoided_norm};
    const struct scaled_points candidates = {q, a->q_Z, a->q_norm};
    size_t n = a->avoided->n;

    kernel_scale(&a->gp->kernel, q, a->q_Z, a->q_norm);
    kernel_cross(&a->gp->kernel, &avoided, &candidates, a->K, NULL, n);
    for (size_t j = 0; j < q->n; j++) {
        double rho = 0.0;
        for (size_t i = 0; i < n; i++) {
            rho = fmax(rho, a->K[j * n + i]);
        }
        value[j] += log(fmax(1.0 - rho * rho, least_independence));
    }
}

/* Adds ln P(feasible), and its gradient unless NULL. */
static void add_feasibility(struct acquisition *a, const struct points *q, double value[],
                            double gradient[])
{
    struct gp_batch *batch = a->feasibility_batch;

    batch->with_slopes = gradient != NULL;
    gp_predict(a->feasibility, batch, q);
    for (size_t j = 0; j < q->n; j++) {
        double spread = feasibility_spread + batch->var[j];
        double t = batch->mean[j] / sqrt(spread);
        double log_p = log_normal_distribution(t);
        double slope = exp(-0.5 * t * t - half_ln_2pi - log_p); /* φ/Φ */
        value[j] += log_p;
        a->feasibility_a[j] = slope / sqrt(spread);
        a->feasibility_b[j] = -0.5 * slope * t / spread;
    }
    if (gradient != NULL) {
        gp_gradient(a->feasibility, batch, q, a->feasibility_a, a->feasibility_b,
                    a->feasibility_gradient);
        for (size_t i = 0; i < q->n * q->n_num; i++) {
            gradient[i] += a->feasibility_gradient[i];
        }
    }
}

void acquisition_score(struct acquisition *acquisition, const struct points *q, double value[],
                       double gradient[])
{
    struct acquisition *a = acquisition;

    for (size_t from = 0; from < q->n; from += a->cap) {
        struct points part = *q; /* a view: nothing is copied */
        part.n = q->n - from < a->cap ? q->n - from : a->cap;
        part.num = q->num + from * q->n_num;
        part.cat = q->cat + from * q->n_cat;
        double *slope = gradient == NULL ? NULL : gradient + from * q->n_num;
        a->batch->with_slopes = gradient != NULL;
        gp_predict(a->gp, a->batch, &part);
        if (a->prior_mean != NULL) {
            prior_mean_add(a->prior_mean, &part, a->gp->n_fantasies, a->batch->mean);
        }
        log_ei_batch(a->gp, a->batch, a->best, value + from, slope == NULL ? NULL : a->a,
                     slope == NULL ? NULL : a->b);
        if (slope != NULL) {
            gp_gradient(a->gp, a->batch, &part, a->a, a->b, slope);
            if (a->prior_mean != NULL) {
                prior_mean_add_gradient(a->prior_mean, &part, a->gp->n_fantasies, a->a, slope);
            }
        }
        if (a->avoided != NULL && slope == NULL) {
            add_penalty(a, &part, value + from);
        }
        if (a->feasibility != NULL) {
            add_feasibility(a, &part, value + from, slope);
        }
    }
}

#include "server/model/expected_improvement.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/normal.h"
#include "server/model/linalg.h"

static const double half_ln_2pi = 0.91893853320467274178;
enum { AUGMENTED_FROM = 30 }; /* observed points: with fewer the noise estimate is unreliable */
static const double augmented_noise_max = 1e-2; /* noise variance; the data have variance 1 */
static const double far_tail = -10.0; /* below it the asymptotic series is exact to the last bit */

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

/* ---- the term of an acquisition function ----------------------------------------------------- */
struct expected_improvement {
    struct acquisition_term term;
    const struct gp *gp;
    struct prior_mean *prior_mean;
    double *best; /* the incumbent of each fantasy */
    struct gp_batch *batch;
    struct workspace work;
    double *value, *a, *b, *slope;
};

static void destroy(struct acquisition_term *term)
{
    struct expected_improvement *ei = (struct expected_improvement *)term;

    gp_batch_destroy(ei->batch);
    workspace_finish(&ei->work);
    free(ei);
}

static void add(struct acquisition_term *term, const struct points *q, double value[],
                double gradient[])
{
    struct expected_improvement *ei = (struct expected_improvement *)term;
    bool with_slopes = gradient != NULL;

    ei->batch->with_slopes = with_slopes;
    gp_predict(ei->gp, ei->batch, q);
    if (ei->prior_mean != NULL) {
        prior_mean_add(ei->prior_mean, q, ei->gp->n_fantasies, ei->batch->mean);
    }
    log_ei_batch(ei->gp, ei->batch, ei->best, ei->value, with_slopes ? ei->a : NULL,
                 with_slopes ? ei->b : NULL);
    for (size_t j = 0; j < q->n; j++) {
        value[j] += ei->value[j];
    }
    if (with_slopes) {
        gp_gradient(ei->gp, ei->batch, q, ei->a, ei->b, ei->slope);
        if (ei->prior_mean != NULL) {
            prior_mean_add_gradient(ei->prior_mean, q, ei->gp->n_fantasies, ei->a, ei->slope);
        }
        for (size_t i = 0; i < q->n * q->n_num; i++) {
            gradient[i] += ei->slope[i];
        }
    }
}

int expected_improvement_create(const struct gp *gp, struct prior_mean *prior_mean, double best,
                                size_t cap, struct acquisition_term **term, struct err *err)
{
    struct expected_improvement *ei = calloc(1, sizeof *ei);
    size_t s = gp->n_fantasies;
    size_t d = gp->x->n_num;

    if (ei == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    ei->term = (struct acquisition_term){.add = add, .destroy = destroy};
    ei->gp = gp;
    ei->prior_mean = prior_mean;
    if (workspace_init(&ei->work,
                       workspace_round(s) + workspace_round(s * cap) + 2 * workspace_round(cap)
                           + workspace_round(d * cap),
                       err)
            != 0
        || gp_batch_create(gp, cap, true, &ei->batch, err) != 0) {
        destroy(&ei->term);
        return -1;
    }
    ei->best = workspace_take(&ei->work, s);
    ei->a = workspace_take(&ei->work, s * cap);
    ei->value = workspace_take(&ei->work, cap);
    ei->b = workspace_take(&ei->work, cap);
    ei->slope = workspace_take(&ei->work, d * cap);
    fantasy_incumbents(gp, best, ei->best);
    *term = &ei->term;
    return 0;
}

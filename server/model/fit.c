#include "server/model/fit.h"

#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/linalg.h"

/* ln ℓ: median .61 √D; ablation.md §1, the choice that decided. */
static const double length_mean = -0.5, length_sd = 1.0, length_low = 0.02, length_high = 100.0;
static const double signal_mean = 0.0, signal_sd = 1.0, signal_low = 0.05, signal_high = 50.0;
/* ln σ_n²: low and wide. With N(−4, 1) fine differences between good results drown. */
static const double noise_mean = -6.0, noise_sd = 2.0, noise_low = 1e-6, noise_high = 1.0;

/* A step that gains less ends a climb. Where results are many a hundredth of a nat tells no two
 * thetas apart, and a climb from the last fit is over in half as many evaluations. */
enum { MANY = 100 };
static const double least_gain = 1e-5, least_gain_many = 1e-2;

static void set(struct fit_prior *prior, size_t i, double mean, double sd, double low, double high)
{
    prior->mean[i] = mean;
    prior->sd[i] = sd;
    prior->low[i] = log(low);
    prior->high[i] = log(high);
}

int fit_prior_init(struct fit_prior *prior, const struct points *x, double active_num,
                   double active_cat, struct err *err)
{
    size_t d = x->n_num + x->n_cat;
    double *base = calloc(4 * (d + 2), sizeof *base);

    if (base == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    *prior = (struct fit_prior){.n = d + 2,
                                .mean = base,
                                .sd = base + d + 2,
                                .low = base + 2 * (d + 2),
                                .high = base + 3 * (d + 2)};
    for (size_t i = 0; i < d; i++) {
        double active = fmax(1.0, i < x->n_num ? active_num : active_cat);
        set(prior, i, length_mean + 0.5 * log(active), length_sd, length_low, length_high);
    }
    set(prior, d, signal_mean, signal_sd, signal_low, signal_high);
    set(prior, d + 1, noise_mean, noise_sd, noise_low, noise_high);
    return 0;
}

void fit_prior_finish(struct fit_prior *prior)
{
    free(prior->mean);
    *prior = (struct fit_prior){0};
}

int fit_log_posterior(struct gp_evidence *evidence, const struct fit_prior *prior,
                      const double theta[], double *value, double gradient[], struct err *err)
{
    double sum = 0.0;

    TRY(gp_log_evidence(evidence, theta, value, gradient, err));
    for (size_t i = 0; i < prior->n; i++) {
        double z = (theta[i] - prior->mean[i]) / prior->sd[i];
        sum += z * z;
        if (gradient != NULL) {
            gradient[i] -= z / prior->sd[i];
        }
    }
    *value -= 0.5 * sum;
    return 0;
}

struct climb {
    struct gp_evidence *evidence;
    const struct fit_prior *prior;
    double best;
    double *best_theta;
};

/* NLopt minimises. A theta that cannot be evaluated is a wall: worse than anything, and flat. */
static double cost(unsigned n, const double *theta, double *gradient, void *data)
{
    struct climb *climb = data;
    double value = 0.0;

    if (fit_log_posterior(climb->evidence, climb->prior, theta, &value, gradient, NULL) != 0
        || !isfinite(value)) {
        if (gradient != NULL) {
            memset(gradient, 0, n * sizeof *gradient);
        }
        return 1e10;
    }
    for (unsigned i = 0; gradient != NULL && i < n; i++) {
        gradient[i] = -gradient[i];
    }
    if (value > climb->best) {
        climb->best = value;
        memcpy(climb->best_theta, theta, n * sizeof *theta);
    }
    return -value;
}

static int climb_from(struct climb *climb, const double start[], int evaluations, double theta[],
                      struct err *err)
{
    const struct fit_prior *prior = climb->prior;
    nlopt_opt opt = nlopt_create(NLOPT_LD_LBFGS, (unsigned)prior->n);
    double reached = 0.0;

    if (opt == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a fit");
    }
    (void)nlopt_set_min_objective(opt, cost, climb);
    (void)nlopt_set_lower_bounds(opt, prior->low);
    (void)nlopt_set_upper_bounds(opt, prior->high);
    (void)nlopt_set_vector_storage(opt, 10);
    (void)nlopt_set_ftol_abs(opt,
                             gp_evidence_n(climb->evidence) > MANY ? least_gain_many : least_gain);
    (void)nlopt_set_maxeval(opt, evaluations);
    for (size_t i = 0; i < prior->n; i++) {
        theta[i] = fmin(fmax(start[i], prior->low[i]), prior->high[i]);
    }
    /* how it ended does not matter: the best theta that was evaluated is kept */
    (void)nlopt_optimize(opt, theta, &reached);
    nlopt_destroy(opt);
    return 0;
}

int fit_map(struct gp_evidence *evidence, const struct fit_prior *prior, size_t n_starts,
            const double starts[], int evaluations, double theta[], double *value, struct err *err)
{
    OWN(memory) double *at = calloc(2 * prior->n, sizeof *at);
    struct climb climb = {.evidence = evidence, .prior = prior, .best = -INFINITY};

    if (at == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a fit");
    }
    climb.best_theta = at + prior->n;
    for (size_t k = 0; k < n_starts; k++) {
        int first = k == 0 ? evaluations : (evaluations + 2) / 3;
        double before = climb.best;
        TRY(climb_from(&climb, starts + k * prior->n, first, at, err));
        if (climb.best > before && first < evaluations) { /* it leads: it is worth the rest */
            memcpy(at, climb.best_theta, prior->n * sizeof *at);
            TRY(climb_from(&climb, at, evaluations - first, at, err));
        }
    }
    if (!isfinite(climb.best)) {
        return err_set(err, ERR_NUMERIC, "the model cannot be fitted to these results");
    }
    memcpy(theta, climb.best_theta, prior->n * sizeof *theta);
    *value = climb.best;
    return 0;
}

#include "server/model/fit.h"

#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/linalg.h"

/* ln ℓ: median .61 √D. */
static const double length_mean = -0.5, length_sd = 1.0, length_low = 0.02, length_high = 100.0;
static const double signal_mean = 0.0, signal_sd = 1.0, signal_low = 0.05, signal_high = 50.0;
/* ln σ_n²: low and wide. N(−4, 1) takes small differences between good results for noise. */
static const double noise_mean = -6.0, noise_sd = 2.0, noise_low = 1e-6, noise_high = 1.0;

/* A step that gains less ends a run. With many observations a difference of a hundredth of a nat is
 * immaterial, and a run that starts at the last fit needs half as many evaluations. */
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

int fit_log_posterior(struct marginal_likelihood *likelihood, const struct fit_prior *prior,
                      const double theta[], double *value, double gradient[], struct err *err)
{
    double sum = 0.0;

    TRY(marginal_likelihood_log(likelihood, theta, value, gradient, err));
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

struct map_search {
    struct marginal_likelihood *likelihood;
    const struct fit_prior *prior;
    double best;
    double *best_theta;
    const atomic_bool *stop;
    nlopt_opt opt; /* the run under way */
};

/* The objective of NLopt, which minimises. A theta at which the posterior cannot be evaluated has a
 * large value and no gradient. */
static double negative_log_posterior(unsigned n, const double *theta, double *gradient, void *data)
{
    struct map_search *search = data;
    double value = 0.0;

    if (stop_is_asked(search->stop)) {
        (void)nlopt_force_stop(search->opt);
        return 1e10;
    }
    if (fit_log_posterior(search->likelihood, search->prior, theta, &value, gradient, NULL) != 0
        || !isfinite(value)) {
        if (gradient != NULL) {
            memset(gradient, 0, n * sizeof *gradient);
        }
        return 1e10;
    }
    for (unsigned i = 0; gradient != NULL && i < n; i++) {
        gradient[i] = -gradient[i];
    }
    if (value > search->best) {
        search->best = value;
        memcpy(search->best_theta, theta, n * sizeof *theta);
    }
    return -value;
}

static int maximise_from(struct map_search *search, const double start[], int evaluations,
                         double theta[], struct err *err)
{
    const struct fit_prior *prior = search->prior;
    nlopt_opt opt = nlopt_create(NLOPT_LD_LBFGS, (unsigned)prior->n);
    double reached = 0.0;

    if (opt == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a fit");
    }
    (void)nlopt_set_min_objective(opt, negative_log_posterior, search);
    (void)nlopt_set_lower_bounds(opt, prior->low);
    (void)nlopt_set_upper_bounds(opt, prior->high);
    (void)nlopt_set_vector_storage(opt, 10);
    (void)nlopt_set_ftol_abs(opt, marginal_likelihood_n_points(search->likelihood) > MANY
                                      ? least_gain_many
                                      : least_gain);
    (void)nlopt_set_maxeval(opt, evaluations);
    for (size_t i = 0; i < prior->n; i++) {
        theta[i] = fmin(fmax(start[i], prior->low[i]), prior->high[i]);
    }
    /* its result is ignored: the search keeps the best theta that was evaluated */
    search->opt = opt;
    (void)nlopt_optimize(opt, theta, &reached);
    search->opt = NULL;
    nlopt_destroy(opt);
    return stop_check(search->stop, err);
}

int fit_map(struct marginal_likelihood *likelihood, const struct fit_prior *prior,
            const struct fit_starts *starts, double theta[], double *value, struct err *err)
{
    OWN(memory) double *at = calloc(2 * prior->n, sizeof *at);
    struct map_search search = {
        .likelihood = likelihood, .prior = prior, .best = -INFINITY, .stop = starts->stop};

    if (at == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a fit");
    }
    search.best_theta = at + prior->n;
    for (size_t k = 0; k < starts->n; k++) {
        int first = k == 0 ? starts->evaluations : (starts->evaluations + 2) / 3;
        double before = search.best;
        TRY(maximise_from(&search, starts->theta + k * prior->n, first, at, err));
        if (search.best > before && first < starts->evaluations) { /* it leads */
            memcpy(at, search.best_theta, prior->n * sizeof *at);
            TRY(maximise_from(&search, at, starts->evaluations - first, at, err));
        }
    }
    if (!isfinite(search.best)) {
        return err_set(err, ERR_NUMERIC, "the model cannot be fitted to these results");
    }
    memcpy(theta, search.best_theta, prior->n * sizeof *theta);
    *value = search.best;
    return 0;
}

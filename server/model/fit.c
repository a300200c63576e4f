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
static const double share_logit_mean = -1.0, share_logit_sd = 1.5, share_logit_bound = 6.0;
static const double additive_mean = -1.2, additive_sd = 0.7, additive_low = 0.03,
                    additive_high = 3.0;

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
    size_t d = gp_theta_lengths(x);
    size_t n = gp_n_theta(x);
    double *base = calloc(4 * n, sizeof *base);

    if (base == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    *prior = (struct fit_prior){.n = n,
                                .n_lengths = d,
                                .n_additive = 2,
                                .mean = base,
                                .sd = base + n,
                                .low = base + 2 * n,
                                .high = base + 3 * n};
    for (size_t i = 0; i < d; i++) {
        double active = fmax(1.0, i < x->n_num ? active_num : active_cat);
        set(prior, i, length_mean + 0.5 * log(active), length_sd, length_low, length_high);
    }
    set(prior, gp_theta_signal(x), signal_mean, signal_sd, signal_low, signal_high);
    set(prior, gp_theta_noise(x), noise_mean, noise_sd, noise_low, noise_high);
    set(prior, gp_theta_share(x), share_logit_mean, share_logit_sd, exp(-share_logit_bound),
        exp(share_logit_bound));
    set(prior, gp_theta_additive_length(x), additive_mean, additive_sd, additive_low,
        additive_high);
    return 0;
}

void fit_prior_finish(struct fit_prior *prior)
{
    free(prior->mean);
    *prior = (struct fit_prior){0};
}

void fit_prior_mode(const struct fit_prior *prior, bool is_additive, double theta[])
{
    memcpy(theta, prior->mean, prior->n * sizeof *theta);
    if (!is_additive) {
        theta[fit_prior_share(prior)] = -(double)INFINITY;
    }
}

int fit_log_posterior(struct marginal_likelihood *likelihood, const struct fit_prior *prior,
                      const double theta[], double *value, double gradient[], struct err *err)
{
    double sum = 0.0;

    TRY(marginal_likelihood_log(likelihood, theta, value, gradient, err));
    size_t n = isinf(theta[fit_prior_share(prior)]) ? fit_prior_share(prior) : prior->n;
    for (size_t i = 0; i < n; i++) {
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
    size_t n;         /* how many of theta are fitted: the first */
    double *theta;    /* all of it, where it is evaluated */
    double *gradient; /* likewise */
    double best;
    double *best_theta;    /* all of it */
    double *best_gradient; /* there, if has_gradient */
    bool has_gradient;
    const atomic_bool *stop;
    bool is_out_of_memory; /* an evaluation needed some */
    nlopt_opt opt;         /* the run under way */
};

/* The objective of NLopt, which minimises. A theta at which the posterior cannot be evaluated has a
 * large value and no gradient. */
static double negative_log_posterior(unsigned n, const double *theta, double *gradient, void *data)
{
    struct map_search *search = data;
    struct err why = {0};
    double value = 0.0;

    if (stop_is_asked(search->stop)) {
        (void)nlopt_force_stop(search->opt);
        return 1e10;
    }
    if (search->has_gradient && gradient != NULL
        && memcmp(theta, search->best_theta, n * sizeof *theta)
               == 0) { /* a start that leads goes on from it */
        for (unsigned i = 0; i < n; i++) {
            gradient[i] = -search->best_gradient[i];
        }
        return -search->best;
    }
    memcpy(search->theta, theta, n * sizeof *theta);
    if (fit_log_posterior(search->likelihood, search->prior, search->theta, &value,
                          gradient == NULL ? NULL : search->gradient, &why)
            != 0
        || !isfinite(value)) {
        if (why.code == ERR_NOMEM) {
            search->is_out_of_memory = true;
            (void)nlopt_force_stop(search->opt);
        }
        if (gradient != NULL) {
            memset(gradient, 0, n * sizeof *gradient);
        }
        return 1e10;
    }
    for (unsigned i = 0; gradient != NULL && i < n; i++) {
        gradient[i] = -search->gradient[i];
    }
    if (value > search->best) {
        search->best = value;
        memcpy(search->best_theta, search->theta, search->prior->n * sizeof *theta);
        search->has_gradient = gradient != NULL;
        memcpy(search->best_gradient, search->gradient, search->prior->n * sizeof *gradient);
    }
    return -value;
}

static int maximise_from(struct map_search *search, const double start[], int evaluations,
                         double theta[], struct err *err)
{
    const struct fit_prior *prior = search->prior;
    nlopt_opt opt = nlopt_create(NLOPT_LD_LBFGS, (unsigned)search->n);
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
    for (size_t i = 0; i < search->n; i++) {
        theta[i] = fmin(fmax(start[i], prior->low[i]), prior->high[i]);
    }
    /* its result is ignored: the search keeps the best theta that was evaluated */
    search->opt = opt;
    (void)nlopt_optimize(opt, theta, &reached);
    search->opt = NULL;
    nlopt_destroy(opt);
    if (search->is_out_of_memory) {
        return err_set(err, ERR_NOMEM, "no memory for a fit");
    }
    return stop_check(search->stop, err);
}

int fit_map(struct marginal_likelihood *likelihood, const struct fit_prior *prior,
            const struct fit_starts *starts, double theta[], double *value, struct err *err)
{
    OWN(memory) double *at = calloc(5 * prior->n, sizeof *at);
    struct map_search search = {.likelihood = likelihood,
                                .prior = prior,
                                .n = starts->is_additive ? prior->n : fit_prior_share(prior),
                                .best = -INFINITY,
                                .stop = starts->stop};

    if (at == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a fit");
    }
    search.best_theta = at + prior->n;
    search.theta = at + 2 * prior->n;
    search.gradient = at + 3 * prior->n;
    search.best_gradient = at + 4 * prior->n;
    fit_prior_mode(prior, starts->is_additive, search.theta);
    for (size_t k = 0; k < starts->n; k++) {
        int first = k == 0 ? starts->evaluations : (starts->evaluations + 2) / 3;
        double before = search.best;
        TRY(maximise_from(&search, starts->theta + k * prior->n, first, at, err));
        if (search.best > before && first < starts->evaluations) { /* it leads */
            memcpy(at, search.best_theta, search.n * sizeof *at);
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

#include "server/strategy/gp/theta_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STARTS_MAX = 4, MANY = 100 };

/* The reasons for these numbers are in tests/bench/choices.md. */
static const double shorter_by = 1.2;  /* ln of the factor */
static const double large_share = 2.0; /* its logit: a = .88 */
static const double least_share = 0.1;

int theta_evaluations(size_t n)
{
    return n <= 100 ? 30 : n <= 200 ? 20 : 10;
}

/* The place of the next start, which is the mode of the prior at first. */
static double *add_start(const struct fit_prior *prior, const struct theta_search *search,
                         double from[], struct fit_starts *starts)
{
    double *theta = from + prior->n * starts->n++;

    fit_prior_mode(prior, search->is_additive, theta);
    return theta;
}

static void add_starts(const struct fit_prior *prior, const struct theta_search *search,
                       size_t n_points, double from[], struct fit_starts *starts)
{
    if (search->warm != NULL) {
        double *warm = add_start(prior, search, from, starts);
        bool has_part = isfinite(search->warm[fit_prior_share(prior)]);
        size_t n = search->is_additive && has_part ? prior->n : fit_prior_share(prior);
        memcpy(warm, search->warm, n * sizeof *warm);
    }
    if (search->warm != NULL && !search->afresh) {
        return;
    }
    if (search->warm == NULL || n_points <= MANY) {
        (void)add_start(prior, search, from, starts);
    }
    double *shorter = add_start(prior, search, from, starts);
    for (size_t i = 0; i < prior->n_lengths; i++) {
        shorter[i] -= shorter_by;
    }
    if (search->is_additive && !search->is_brief) {
        add_start(prior, search, from, starts)[fit_prior_share(prior)] = large_share;
    }
}

int theta_fit(struct marginal_likelihood *likelihood, const struct fit_prior *prior,
              const struct theta_search *search, double theta[], struct err *err)
{
    OWN(memory) double *from = calloc(STARTS_MAX * prior->n, sizeof *from);
    struct fit_starts starts = {.theta = from,
                                .evaluations = search->evaluations,
                                .is_additive = search->is_additive,
                                .stop = search->stop};
    double value = 0.0;
    size_t share = fit_prior_share(prior);

    if (from == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a fit");
    }
    add_starts(prior, search, marginal_likelihood_n_points(likelihood), from, &starts);
    TRY(fit_map(likelihood, prior, &starts, theta, &value, err));
    if (theta[share] < log(least_share / (1.0 - least_share))) {
        theta[share] = -(double)INFINITY;
    }
    return 0;
}

#include "server/strategy/gp/theta_fit.h"

#include <stdlib.h>
#include <string.h>

enum { STARTS_MAX = 3 };

int theta_evaluations(size_t n)
{
    return n <= 100 ? 30 : n <= 200 ? 20 : 10;
}

int theta_fit(struct marginal_likelihood *likelihood, const struct fit_prior *prior,
              const struct theta_search *search, double theta[], struct err *err)
{
    OWN(memory) double *from = calloc(STARTS_MAX * prior->n, sizeof *from);
    struct fit_starts starts = {
        .theta = from, .evaluations = search->evaluations, .stop = search->stop};
    double value = 0.0;

    if (from == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a fit");
    }
    if (search->warm != NULL) {
        memcpy(from + prior->n * starts.n++, search->warm, prior->n * sizeof *from);
    }
    if (search->afresh || search->warm == NULL) {
        double *mode = from + prior->n * starts.n++;
        double *shorter = from + prior->n * starts.n++;
        for (size_t i = 0; i < prior->n; i++) {
            mode[i] = prior->mean[i];
            shorter[i] = prior->mean[i] - (i + 2 < prior->n ? 1.2 : 0.0);
        }
    }
    return fit_map(likelihood, prior, &starts, theta, &value, err);
}

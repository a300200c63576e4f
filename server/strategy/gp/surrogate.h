/* The surrogate of a study: a Gaussian process of the objective and, from three failed trials on, a
 * second one of feasibility.
 *
 * Running trials enter as fantasies. Hyper-parameters are fitted when a fit is due (after every
 * result up to 30, then after every ⌈n/20⌉) and otherwise taken from the newest fit of the study.
 * Fits are stored as rows, so that a suggestion can be repeated from what it saw. After a period of
 * stagnation every second surrogate is a local refit (regression_data.h): from the same results,
 * limited to the better half, with new hyper-parameters, it recognises structure that the regular
 * fit takes for noise.
 */
#ifndef SERVER_STRATEGY_GP_SURROGATE_H
#define SERVER_STRATEGY_GP_SURROGATE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "common/rng.h"
#include "server/model/gp.h"
#include "server/model/transform.h"
#include "server/strategy/gp/transfer_prior.h"
#include "server/strategy/study_data.h"

enum { FANTASIES = 8 };

struct surrogate {
    struct transform transform;
    struct points points;  /* of the objective's model: n results, then pending trials */
    size_t n;              /* results */
    const double **config; /* of the results; borrowed from the history */
    double *y, *extra;     /* of the results: transformed less the prior mean; noise variances */
    double *offset;        /* of all points: the transfer prior; the model predicts y − offset */
    struct gp *gp;
    struct transfer_prior transfer_prior; /* empty without sources */
    struct points feasibility_points;
    struct gp *feasibility;  /* of labels ±1; NULL while few trials have failed */
    double best;             /* the incumbent, transformed */
    struct points truncated; /* of the results: learning curves that did not reach the end */
    const double *subject;   /* borrowed, or NULL */
    /* the subject's own extrapolated curve, transformed, and its variance; NaN without one */
    double own_y, own_var;
    size_t n_theta;
    double *theta, *feasibility_theta; /* one allocation: theta's */
    uint64_t fit_n_seen; /* finished trials that the hyper-parameters were fitted to */
    bool is_new_fit;     /* the fit was made by this call and should be stored */
    bool is_local_refit;
};

/* Draws the fantasies from rng; NULL: pending trials are ignored. `subject` (or NULL): the
 * configuration of a trial, as the history holds it, whose row must be among the results.
 * ERR_NUMERIC: the results cannot be modelled; ERR_NOMEM. */
MUST_USE int surrogate_fit(struct surrogate *surrogate, const struct study_data *data,
                           const double *subject, struct rng *rng, struct err *err);
/* The hyper-parameters alone, without a posterior: what surrogate_fit_bytes() needs. The same
 * errors. */
MUST_USE int surrogate_fit_theta(struct surrogate *surrogate, const struct study_data *data,
                                 struct err *err);
void surrogate_finish(struct surrogate *surrogate);
OWN_VALUE(surrogate)

/* With n finished trials, and each fit made as soon as it is due: from how many is the newest? */
uint64_t surrogate_fit_due(uint64_t n);

/* The fit in the form that is stored (free() it); NULL: out of memory. */
void *surrogate_fit_bytes(const struct surrogate *surrogate, size_t *bytes);
/* order[0 … k-1] ← the results with the least posterior means, best first; returns how many. */
size_t surrogate_best(const struct surrogate *surrogate, size_t k, size_t order[]);
/* A transformed cost in the units of the objective; the factor from transformed to objective. */
double surrogate_objective(const struct surrogate *surrogate, const struct study_def *study,
                           double cost);
double surrogate_scale(const struct surrogate *surrogate);

#endif

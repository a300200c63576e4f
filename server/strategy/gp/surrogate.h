/* The surrogate of a study: a model of each metric (metric_model.h) and, from three failed trials
 * on, one of feasibility (feasibility_model.h).
 *
 * Hyper-parameters are fitted when a fit is due (stored_fit.h) and otherwise taken from the newest
 * fit of the study. After a period of stagnation every second surrogate of one objective is a local
 * refit (regression_data.h): from the same results, limited to the better half, with new
 * hyper-parameters, it recognises structure that the regular fit takes for noise.
 */
#ifndef SERVER_STRATEGY_GP_SURROGATE_H
#define SERVER_STRATEGY_GP_SURROGATE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "common/rng.h"
#include "server/strategy/gp/feasibility_model.h"
#include "server/strategy/gp/metric_model.h"
#include "server/strategy/gp/pareto_set.h"
#include "server/strategy/gp/stored_fit.h"
#include "server/strategy/gp/transfer_prior.h"
#include "server/strategy/study_data.h"

enum { MODELLED_MAX = OBJECTIVES_MAX + BOUNDS_MAX };

struct surrogate {
    size_t n_metrics, n_objectives;
    /* of the objectives, in the study's order, then of its bounded metrics */
    struct metric_model metrics[MODELLED_MAX];
    struct feasibility_model feasibility; /* its gp is NULL while few trials have failed */
    struct transfer_prior transfer_prior; /* of the first objective; empty without sources */
    struct pareto_set pareto;             /* with several objectives */
    struct fit_shape shape;
    double *theta;       /* of the metrics, then of feasibility; shape.n_theta each */
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

/* The fit in the form that is stored (free() it); NULL: out of memory. */
void *surrogate_fit_bytes(const struct surrogate *surrogate, size_t *bytes);
/* order[0 … k-1] ← the results with the least posterior means, best first; with several objectives
 * those of the front. Returns how many. */
size_t surrogate_best(const struct surrogate *surrogate, size_t k, size_t order[]);
/* Is there a result that counts: of a study with bounds, one that satisfies them? */
bool surrogate_has_incumbent(const struct surrogate *surrogate);
/* The transformed cost to improve on, of one objective: slightly below the incumbent, in proportion
 * to its distance from the mean. Otherwise a search that has converged suggests the incumbent again
 * with minimal changes. */
double surrogate_improve_on(const struct surrogate *surrogate);

#endif

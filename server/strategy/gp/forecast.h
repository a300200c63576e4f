/* The forecast of a running trial: its probability of ending better than the incumbent. Used by
 * `asha` in mode `predictive`.
 *
 * The forecast is the posterior of the surrogate of `bayesian` at the full resource, given all
 * learning curves so far, the trial's own included. It is known once three trials have reached the
 * full resource, and while one of them satisfies the study's bounds on metrics; until then the
 * schedule decides by rank.
 *
 * A surrogate that predicts a low probability for every trial is never corrected, because no trial
 * reaches the full resource. Therefore, after ten stopped trials in a row, a trial whose
 * extrapolated curve is better than those of the last ten gets a probability of at least one half,
 * unless its own curve rules it out. The same applies where the rank has stopped ten trials in a
 * row; the forecast is then known from the first trial at the full resource on. */
#ifndef SERVER_STRATEGY_GP_FORECAST_H
#define SERVER_STRATEGY_GP_FORECAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "server/domain/history.h"
#include "server/domain/study.h"

struct forecast {
    bool known;       /* false: nothing below is set */
    double chance;    /* probability of ending better than the incumbent */
    double mean, sd;  /* of the value at the full resource, in units of the objective */
    double incumbent; /* the best value at the full resource */
    size_t n_rows;    /* learning curves in the surrogate */
    /* a new fit to store, as with a suggestion; owned by the caller */
    void *fit;
    size_t fit_bytes;
    uint64_t fit_n_seen;
};

/* levels ← those at which trials are judged, ascending, the full resource last; returns how many.
 */
size_t forecast_levels(const struct study_def *study, double eta, int64_t levels[64]);
/* The step below the first level at which models read a curve, for its gain to that level; 0: none.
 */
int64_t forecast_level_below(const struct study_def *study, double eta);

/* `number`: a trial that `seen` holds with its curve. Pure, as a strategy is, and as slow.
 * ERR_NOT_FOUND: no such trial; ERR_NUMERIC: the results cannot be modelled; ERR_NOMEM. */
MUST_USE int strategy_forecast(const struct study_def *study, const struct history *seen,
                               int64_t number, struct forecast *forecast, struct err *err);

#endif

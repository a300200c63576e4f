/* What a running trial may still come to: the question behind `asha` in mode `predictive`.
 *
 * The model of `bayesian` at the full resource, given every curve so far and the trial's own. It is
 * known once three trials have come to the full resource; until then a rank decides.
 *
 * A model that stops everything learns nothing of whether it is right: those that start slowly look
 * hopeless until one of them has been seen at its end. So after ten in a row a trial whose carried
 * curve is ahead of all of theirs has the benefit of the doubt: at least an even chance, unless its
 * own curve is hopeless. So it is where a rank has stopped them: then it is known from the first
 * trial at the full resource on. */
#ifndef SERVER_STRATEGY_GP_FORECAST_H
#define SERVER_STRATEGY_GP_FORECAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "server/domain/history.h"
#include "server/domain/study.h"

struct forecast {
    bool known;       /* else nothing below is set */
    double chance;    /* of ending better than the incumbent; .5 where the doubt counts */
    double mean, sd;  /* of its value at the full resource, in the objective's units */
    double incumbent; /* the best value at the full resource */
    size_t n_rows;    /* curves the model saw */
    /* A new fit to store, as a suggestion's; owned by the caller. */
    void *fit;
    size_t fit_bytes;
    uint64_t fit_n_seen;
};

/* The levels at which trials are judged, ascending, the full resource last; returns how many. */
size_t forecast_levels(const struct study_def *study, double eta, int64_t levels[64]);

/* `number`: the trial, which `seen` holds with its curve. Pure, as a strategy is; it may think for
 * as long. ERR_NOT_FOUND: no such trial; ERR_NUMERIC: no model stands on these values. */
MUST_USE int strategy_forecast(const struct study_def *study, const struct history *seen,
                               int64_t number, struct forecast *forecast, struct err *err);

#endif

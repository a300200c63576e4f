/* New configurations: from strategies that need no time, and from those that run as jobs on
 * optimiser threads (server/suggester). */
#ifndef SERVER_TUNING_SUGGESTION_H
#define SERVER_TUNING_SUGGESTION_H

#include "server/tuning/internal.h"

/* A new trial, in memory; the grant that must follow writes its row. *trial NULL: nothing is left,
 * or (ask->awaits_suggestion) not yet. */
MUST_USE int study_suggest(struct tuning *tuning, struct ask *ask, struct live_study *study,
                           struct live_trial **trial, struct err *err);
/* Prepared serving: requests a suggestion ahead of the asks, if one more is wanted. */
MUST_USE int study_prepare(struct tuning *tuning, struct live_study *study, struct err *err);
/* Requests a forecast of this trial, measured at `level`: forecast_take() gets the result. */
MUST_USE int study_forecast(const struct tuning *tuning, struct live_study *study, int64_t trial,
                            int64_t level, struct err *err);
/* Stores a fit and adds it to the history. */
MUST_USE int study_keep_fit(struct tuning *tuning, struct live_study *study, uint64_t n_seen,
                            const void *fit, size_t bytes, struct err *err);

#endif

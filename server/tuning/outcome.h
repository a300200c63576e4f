/* What a finished attempt is worth: the trial's metrics and the value of each objective.
 *
 * The result's own metrics stand above measurements. Otherwise an objective is its last measurement
 * at the final step or before (fold "last"), or the best one (fold "best"), where at each step the
 * newest attempt's value counts. */
#ifndef SERVER_TUNING_OUTCOME_H
#define SERVER_TUNING_OUTCOME_H

#include "server/tuning/internal.h"

struct outcome_values {
    int64_t step; /* of the result */
    size_t n;
    bool found[OBJECTIVES_MAX];
    double values[OBJECTIVES_MAX];
};

/* The report's own value of a metric, or NULL. */
const double *outcome_metric(const struct result_report *report, const char *name);
/* The value of each objective for a result at `step`. */
MUST_USE int outcome_objectives(struct tuning *tuning, const struct live_lease *lease,
                                const struct result_report *report, int64_t step,
                                struct outcome_values *out, struct err *err);
/* The trial's row gets the JSON of its metrics, if there are any: the reported ones, and for the
 * others the last that were measured. ERR_NOMEM, ERR_TOO_LARGE. */
MUST_USE int outcome_keep_metrics(const struct live_lease *lease,
                                  const struct result_report *report, struct err *err);

/* A bounded metric as an objective, for its fold: the objective that it is, or its last value. */
struct objective outcome_bounded_metric(const struct study_def *def,
                                        const struct metric_bound *bound);
/* The trial's row gets the values of the bounded metrics for a result at `step`; those that this
 * attempt does not bring stay as they were. */
MUST_USE int outcome_keep_bounded(struct tuning *tuning, const struct live_lease *lease,
                                  const struct result_report *report, int64_t step,
                                  struct err *err);
/* Sets the values of a trial's row, one a bound; all NaN: none is known. */
void outcome_set_bounded(struct trial_row *row, size_t n, const double bounded[]);

/* The trial's row gets the values that were measured, where no result brings them. */
MUST_USE int outcome_keep_measured(struct tuning *tuning, const struct live_lease *lease,
                                   struct err *err);
/* Sets the values of a trial's row, n objectives. A single one that is not finite is left out: it
 * stands among the metrics only. */
void outcome_set_values(struct trial_row *row, size_t n, const double values[]);

#endif

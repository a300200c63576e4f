/* What a finished attempt is worth; for this room only. */
#ifndef SERVER_TUNING_OUTCOME_H
#define SERVER_TUNING_OUTCOME_H

#include "server/tuning/live.h"

struct outcome_values {
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
/* JSON of the trial's metrics; NULL when there are none (or memory is out). */
char *outcome_metrics(const struct live_lease *lease, const struct result_report *report);

#endif

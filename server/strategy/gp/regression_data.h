/* The data that the surrogate is fitted to: one row per trial, with transformed costs.
 *
 * Without a resource, and with several objectives, a row is the cost of a finished trial. With a
 * resource and one objective a row is the learning curve of a trial, running ones included,
 * extrapolated to the full resource, with the variance of the extrapolation (model/curves.h):
 * values measured at different resources are never compared. A failed trial has the worst cost plus
 * half the range, in addition to its part in the feasibility model, unless it is known to violate a
 * bound.
 *
 * The rows of a bounded metric are the trials of which it is known, failed and infeasible ones
 * too. Its cost is the metric, or less the metric where the bound is a lower one, so that a trial
 * satisfies the bound if its cost is at most the limit's. */
#ifndef SERVER_STRATEGY_GP_REGRESSION_DATA_H
#define SERVER_STRATEGY_GP_REGRESSION_DATA_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "server/model/transform.h"
#include "server/strategy/evaluations.h"

struct regression_data {
    size_t n;                            /* rows */
    size_t n_full;                       /* rows of trials at the full resource */
    const double **config;               /* borrowed from the history */
    const struct observation **observed; /* likewise */
    double *y;                           /* transformed costs */
    double *extra;                       /* noise variances beyond the common noise, transformed */
    double *prior_mean;                  /* transfer prior at each row; 0 at first */
    bool has_curves;                     /* extra may be greater than 0 */
    double variance_factor;              /* by which extra was scaled up */
    double best;                         /* the least y at the full resource; INFINITY: none */
    struct transform transform;
};

/* The rows of one objective. ERR_NOMEM. */
MUST_USE int regression_data_init(struct regression_data *data, const struct study_def *study,
                                  const struct evaluations *evaluations, size_t objective,
                                  struct err *err);
/* A value of a bounded metric as a cost, which the bound limits from above. */
double regression_data_bounded_cost(const struct metric_bound *bound, double value);
/* The rows of a bounded metric (study->bounds); *limit ← the greatest feasible cost, transformed,
 * but at most one standard deviation better than the best result. ERR_NOMEM. */
MUST_USE int regression_data_init_bounded(struct regression_data *data,
                                          const struct study_def *study,
                                          const struct evaluations *evaluations, size_t bound,
                                          double *limit, struct err *err);
void regression_data_finish(struct regression_data *data);
OWN_VALUE(regression_data)

/* How many trials have any measured value. */
size_t regression_data_count(const struct study_def *study, const struct evaluations *evaluations);

/* Stagnation: results since the last improvement by more than 1e-3 standard deviations. */
size_t regression_data_stagnation(const struct regression_data *data);
/* Rescales the data for a local refit: costs above the median of the first 20 results count as that
 * median, and y is standardised again, so that differences among good results are not small beside
 * the spread of bad ones. False, without any change, with fewer results or none better than that
 * median. Not for curves. */
bool regression_data_focus(struct regression_data *data);

#endif

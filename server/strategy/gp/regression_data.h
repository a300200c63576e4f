/* What a regression on a study's results is given: one row a trial, transformed.
 *
 * Without a resource a row is a finished trial's cost. With one it is a trial's curve carried to
 * the full resource, running trials included, and how uncertain that is (model/curves.h): values of
 * different resources never meet. A failure counts as half a range
 * worse than the worst, besides what the model of failures makes of it. */
#ifndef SERVER_STRATEGY_GP_REGRESSION_DATA_H
#define SERVER_STRATEGY_GP_REGRESSION_DATA_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "server/model/transform.h"
#include "server/strategy/evaluations.h"

struct rows {
    size_t n, n_whole; /* rows; those at the full resource */
    const double **x;  /* configurations, borrowed from the history */
    double *y;         /* transformed costs */
    double *extra;     /* variances beyond the common noise, in the same units */
    double *expected;  /* of y by older studies, which the model takes as its mean; 0 at first */
    bool has_curves;   /* extra is not zero everywhere */
    double noisier;    /* how many times larger than the carried curves' own variances extra is */
    double best;       /* the best y at the full resource; INFINITY without one */
    struct transform transform;
};

MUST_USE int rows_init(struct rows *rows, const struct study_def *study,
                       const struct trials *trials, struct err *err);
void rows_finish(struct rows *rows);
OWN_VALUE(rows)

/* Rows there are of trials that were measured at all: what a model can be made from. */
size_t rows_count(const struct study_def *study, const struct trials *trials);

/* Results since the last one that was better than all before it by more than a trace. */
size_t rows_idle(const struct rows *rows);
/* A closer look at what is good: costs beyond the median of the first 20 results count as that
 * median, and what is left is scaled afresh, so that differences among good ones are not lost in
 * the spread of bad ones. False, and nothing is changed, where there is nothing to see so: fewer
 * results, or none better than that median. Not for curves. */
bool rows_look_closer(struct rows *rows);

#endif

/* A trial's learning curve of the objective, thinned.
 *
 * Models look at a curve at a handful of levels only (forecast_levels, and the one below them), so
 * of the steps between two levels only the last one is kept. One thread at a time. */
#ifndef SERVER_SUGGESTER_CURVE_H
#define SERVER_SUGGESTER_CURVE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"
#include "server/domain/history.h"
#include "server/domain/study.h"

struct learning_curve {
    const struct study_def *study; /* borrowed */
    size_t n, cap;
    struct curve_point *points; /* steps rising */
};
void learning_curve_finish(struct learning_curve *curve);
OWN_VALUE(learning_curve)

/* Adds a measurement. The newer value of a step replaces the older one; a step below the last one
 * that is not kept is ignored. ERR_NOMEM. */
MUST_USE int learning_curve_add(struct learning_curve *curve, int64_t step, double value,
                                struct err *err);

#endif

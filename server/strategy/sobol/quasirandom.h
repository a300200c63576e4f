/* Quasi-random configurations of a study. */
#ifndef SERVER_STRATEGY_SOBOL_QUASIRANDOM_H
#define SERVER_STRATEGY_SOBOL_QUASIRANDOM_H

#include <stdint.h>

#include "common/err.h"
#include "server/domain/study.h"

/* x ← the legal quasi-random configuration of an ordinal: what `quasirandom` suggests, a point of
 * the initial design, and the fallback when a suggestion is not ready in time. Constants take no
 * dimension, inactive parameters do. Where constraints exclude the point, the same index under
 * further scrambles is tried, and finally the random stream of the ordinal. */
MUST_USE int strategy_quasi_random(const struct study_def *study, uint64_t ordinal, double x[],
                                   struct err *err);

#endif

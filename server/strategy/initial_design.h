/* The initial design: the first configurations of a study, before a model has enough results.
 *
 * The first point has the defaults that the user gave, and the centre for all other parameters; the
 * next ones are a scrambled Sobol sequence. Where trials may be stopped early there are more
 * points, and they are uniform draws (after the defaults, if any were given). A configuration that
 * was tried, or violates a constraint, is not suggested. */
#ifndef SERVER_STRATEGY_INITIAL_DESIGN_H
#define SERVER_STRATEGY_INITIAL_DESIGN_H

#include <stdint.h>

#include "common/err.h"
#include "server/strategy/study_data.h"

/* How many points for D parameters: clamp(⌈D/2⌉ + 1, 4, 10), or clamp(D + 1, 6, 10) where trials
 * may be stopped early; at most max(3, a quarter of limits.trials). */
uint64_t initial_design_size(const struct study_def *study);

/* config ← the point of this ordinal. ERR_EXHAUSTED: every configuration was tried; ERR_NOMEM. */
MUST_USE int initial_design_point(const struct study_data *data, uint64_t ordinal, double config[],
                                  struct err *err);

#endif

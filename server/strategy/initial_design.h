/* The first configurations of a study, before there is anything to learn from.
 *
 * The first is the user's defaults, and the centre where there are none; then a scrambled Sobol
 * sequence. Where trials may be stopped early there are more of them, and they are uniform draws
 * (after the defaults, if there are any). Nothing that was tried, or breaks a constraint, is
 * proposed. */
#ifndef SERVER_STRATEGY_INITIAL_DESIGN_H
#define SERVER_STRATEGY_INITIAL_DESIGN_H

#include <stdint.h>

#include "common/err.h"
#include "server/strategy/encoding.h"
#include "server/strategy/evaluations.h"

/* How many there are: clamp(⌈D/2⌉ + 1, 4, 10), or clamp(D + 1, 6, 10) where trials may be stopped
 * early, and at most a quarter of the trials allowed but 3. */
uint64_t design_size(const struct study_def *study);

/* x ← the design's point for this ordinal. ERR_EXHAUSTED: every configuration has been tried. */
MUST_USE int design_point(const struct study_def *study, const struct axes *axes,
                          const struct trials *trials, uint64_t ordinal, double x[],
                          struct err *err);

#endif

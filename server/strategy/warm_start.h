/* Where a study that comes after others begins: with what was best there.
 *
 * Every other point of the initial design, the first one too, is taken from the sources in turn: of
 * each the best configuration first, then, among its best tenth, those farthest from all that were
 * chosen before. They are made legal in the new space: numbers onto the nearest value, what the old
 * study did not have at its default, else in the middle, choices by chance. Once the points between
 * them turn out better than they, no more are taken: a study that misleads costs a trial or two. */
#ifndef SERVER_STRATEGY_WARM_START_H
#define SERVER_STRATEGY_WARM_START_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "server/strategy/encoding.h"
#include "server/strategy/evaluations.h"

struct start {
    bool found; /* else the ordinal is none of the starts, or there were not so many */
    const struct source *source;
    int64_t trial; /* its number there */
};

/* How many suggestions come from the sources; 0 without any. */
uint64_t starts_count(const struct study_def *study, const struct history *seen);
/* x ← the start of this ordinal, unless it has been tried. */
MUST_USE int starts_point(const struct study_def *study, const struct axes *axes,
                          const struct trials *trials, const struct history *seen, uint64_t ordinal,
                          double x[], struct start *start, struct err *err);
/* Which point of the ordinary design stands at this ordinal: the starts push nothing out but the
 * last ones. The ordinal itself without sources. */
uint64_t starts_between(const struct study_def *study, const struct history *seen,
                        uint64_t ordinal);
/* Why, as JSON; NULL without memory. */
char *starts_explain(const struct start *start, uint64_t ordinal, uint64_t size);

#endif

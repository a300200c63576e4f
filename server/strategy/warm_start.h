/* The warm start of a study that names older ones in "after": their best configurations first.
 *
 * Every other point of the initial design, beginning with the first, comes from the source studies
 * in turn: of each study the best configuration first, then, among its best tenth, the one farthest
 * from all that were chosen before. They are made legal in the new space: numbers become the
 * nearest value; parameters that the source lacks take their default, or else the middle (numbers)
 * or a random value (categories). Once the design points between them turn out better, no more are
 * taken, so that a misleading source costs one or two trials. */
#ifndef SERVER_STRATEGY_WARM_START_H
#define SERVER_STRATEGY_WARM_START_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "server/strategy/study_data.h"

struct warm_start {
    bool found; /* false: this ordinal has no warm start */
    const struct source *source;
    int64_t trial; /* its number in the source */
};

/* config ← the warm start of this ordinal, unless its configuration was tried. ERR_NOMEM. */
MUST_USE int warm_start_point(const struct study_data *data, uint64_t ordinal, double config[],
                              struct warm_start *warm_start, struct err *err);
/* Which point of the initial design belongs to this ordinal, where warm starts stand between them;
 * the ordinal itself without sources. */
uint64_t warm_start_design_index(const struct study_def *study, const struct history *seen,
                                 uint64_t ordinal);
/* The explanation; `size`: points of the initial design. NULL: out of memory. */
char *warm_start_explain(const struct warm_start *warm_start, uint64_t ordinal, uint64_t size);

#endif

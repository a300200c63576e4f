/* Which of many results a model is fitted to, so that its cost is bounded. Pure; any thread. */
#ifndef SERVER_STRATEGY_GP_RESULT_SUBSET_H
#define SERVER_STRATEGY_GP_RESULT_SUBSET_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "server/model/kernel.h"

/* `n` of the results, of which the `best` have the least cost; the others are an even spread over
 * the rest, or those nearest to the best result. */
struct result_subset {
    size_t n, best;
    bool is_spread;
};

struct result_key {
    double key; /* scratch */
    size_t index;
};

/* order[0 … n-1] ← the selected results, by index; of fewer than n results, all. `points` and
 * `cost`: the results, in the unit cube and smaller is better; `order` has points->n places.
 * O(m log m) for m results. ERR_NOMEM. */
MUST_USE int result_subset_choose(const struct points *points, const double cost[],
                                  const struct result_subset *subset, struct result_key order[],
                                  struct err *err);
/* If `result` is not among the n > 0 selected ones, it replaces the worst of them. */
void result_subset_include(size_t result, const double cost[], size_t n, struct result_key order[]);

#endif

/* Which parameters of a study matter for being among its best trials. */
#ifndef SERVER_STRATEGY_IMPORTANCE_H
#define SERVER_STRATEGY_IMPORTANCE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/space.h"

struct importance {
    size_t n;      /* trials it is made from */
    size_t n_top;  /* the best tenth of them, ties included */
    double cutoff; /* the cost of the worst of those; NaN without trials */
    bool few;      /* so few that it says little: warn */
};

struct importance_share {
    double share;    /* all of them add up to 1, or all are 0 */
    size_t n, n_top; /* trials that have the parameter, and how many of the best */
};

extern const double importance_top_share; /* of the trials: the best tenth */
enum { IMPORTANCE_ENOUGH = 50 };          /* trials: the best tenth are then five */

/* shares[i] ← parameter i's part in telling the best of `n` trials from all of them; x[k] is the
 * k-th configuration and cost[k] its finite cost, smaller is better. All 0 while there are under
 * two trials or all are equally good. A conditional parameter counts by how often the best trials
 * have it: by α²/β, α and β its share among the best and among all. O(n log n + n d). ERR_NOMEM. */
MUST_USE int importance_of(const struct space *space, size_t n, const double *const x[],
                           const double cost[], struct importance_share shares[],
                           struct importance *importance, struct err *err);

#endif

/* Importance: how much each parameter of a study influences whether a trial is among the best. */
#ifndef SERVER_ANALYSIS_IMPORTANCE_H
#define SERVER_ANALYSIS_IMPORTANCE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/space/space.h"
#include "server/analysis/comparable.h"

struct importance {
    size_t n;      /* trials */
    size_t n_top;  /* the best tenth of them, ties included */
    double cutoff; /* the cost of the worst of those; NaN without trials */
    bool few;      /* too few trials for a reliable result */
};

struct importance_share {
    double share;    /* all of them add up to 1, or all are 0 */
    size_t n, n_top; /* trials that have the parameter, and how many of the best */
};

extern const double importance_top_share;       /* of the trials: the best tenth */
enum { IMPORTANCE_ENOUGH = COMPARABLE_ENOUGH }; /* trials: the best tenth are then five */

/* shares[i] ← the importance of parameter i (PED-ANOVA), normalised; x[k] is the k-th of n
 * configurations and cost[k] its finite cost, smaller is better. All are 0 with fewer than two
 * trials, or if all costs are equal. The divergence of a conditional parameter is multiplied by
 * α²/β, where α and β are its share among the best trials and among all. O(n log n + n d).
 * ERR_NOMEM. */
MUST_USE int importance_of(const struct space *space, size_t n, const double *const x[],
                           const double cost[], struct importance_share shares[],
                           struct importance *importance, struct err *err);

#endif

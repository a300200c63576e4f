/* Which parameters of a study matter for being among its best trials. */
#ifndef SERVER_STRATEGY_IMPORTANCE_H
#define SERVER_STRATEGY_IMPORTANCE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "server/domain/history.h"
#include "server/domain/study.h"

struct importance {
    size_t n;     /* completed trials it is made from */
    size_t n_top; /* the best tenth of them, ties included */
    bool few;     /* so few that it says little: warn */
};

/* share[i] ← parameter i's part, all parts adding up to 1 (all 0 while there are under two trials
 * or all are equally good). A conditional parameter counts by how often the best trials have it: by
 * α²/β, α and β its share among the best and among all. */
MUST_USE int study_importance(const struct study_def *study, const struct history *seen,
                              double share[], struct importance *importance, struct err *err);

#endif

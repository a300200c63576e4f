/* Which configurations of a study have a trial, and whether there are any left.
 *
 * Kept where that can matter: for every trial of a study whose space can be counted, and for those
 * that a strategy does not number itself (enqueued, imported) where the strategy numbers its own;
 * for all of them once its space was changed and it counts anew.
 * An imported trial outside the space is none of its configurations, and not kept. A cancelled
 * trial is taken out: its configuration may be tried again. Writer thread only. */
#ifndef SERVER_STATE_TRIED_H
#define SERVER_STATE_TRIED_H

#include "server/state/state.h"

/* Called once the study's definition and strategy are set. */
void tried_init(struct live_study *study);
/* Is a trial of this source kept? */
bool tried_is_kept(const struct live_study *study, enum trial_source source);
/* Adds a trial of the study. ERR_NOMEM. */
MUST_USE int tried_add(struct live_study *study, const struct trial_row *row, struct err *err);
void tried_remove(struct live_study *study, const struct trial_row *row);
bool tried_contains(const struct live_study *study, const double config[]);

/* The strategy's next suggestion that is not tried yet, and its ordinal; for strategies that need
 * no history, or for a fallback in place of one that does. ERR_EXHAUSTED: none is left; ERR_NOMEM.
 */
MUST_USE int tried_suggest_other(const struct live_study *study, const struct strategy *strategy,
                                 uint64_t *ordinal, struct suggestion *out, struct err *err);
/* Sets row.exhausted once the study's strategy has nothing left to suggest. ERR_NOMEM. */
MUST_USE int tried_check_exhausted(struct live_study *study, struct err *err);

#endif

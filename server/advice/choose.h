/* The choice of a strategy for studies with `auto`.
 *
 * The choice is made once, when the study is created, from what its body declares and from nothing
 * else: not from results, nor from the client. It is stored in the study with its reasons
 * (`struct chosen`), so that a PATCH, a restart or a newer version do not change it. */
#ifndef SERVER_ADVICE_CHOOSE_H
#define SERVER_ADVICE_CHOOSE_H

#include <stdbool.h>

#include "common/err.h"
#include "server/domain/study.h"

/* Whether the study's strategy is `auto`. */
bool advice_is_auto(const struct study_def *study);

/* *chosen ← strategy, options (with those of the schedule: `mode`, `search`) and reasons. Pure; the
 * strategy that the definition names is ignored. ERR_NOMEM. */
MUST_USE int advice_choose(const struct study_def *study, struct chosen *chosen, struct err *err);

/* Makes the choice in a definition with `auto` and no choice; no effect on others. ERR_NOMEM. */
MUST_USE int advice_settle(struct study_def *study, struct err *err);

/* The same for a stored study of a version that stored no choice: what that version did. ERR_NOMEM.
 */
MUST_USE int advice_settle_old(struct study_def *study, struct err *err);

/* The same for a new body, with a fault for options that were given to `auto`, and for a `chosen`
 * that differs from the choice. */
void advice_settle_body(struct study_def *study, struct faults *faults);

#endif

/* What `auto` stands for in a study.
 *
 * The choice is made once, when the study is created, from what its body declares and from nothing
 * else: not from results, not from who asks. It is kept in the study with its reasons
 * (`struct chosen`), so that a PATCH, a restart or a newer honed leave it as it is. */
#ifndef SERVER_ADVICE_CHOOSE_H
#define SERVER_ADVICE_CHOOSE_H

#include <stdbool.h>

#include "common/err.h"
#include "server/domain/study.h"

/* Is it for the server to choose this study's strategy? */
bool advice_is_auto(const struct study_def *study);

/* The strategy, its options and why: a pure function of the definition, whatever strategy it names.
 * The schedule's options (`mode`, `search`) are among the options. ERR_NOMEM. */
MUST_USE int advice_choose(const struct study_def *study, struct chosen *chosen, struct err *err);

/* Makes the choice in a definition that says `auto` and holds none yet; leaves any other alone. */
MUST_USE int advice_settle(struct study_def *study, struct err *err);

/* Of a study from the store that holds none: what the versions that stored no choice did. */
MUST_USE int advice_settle_old(struct study_def *study, struct err *err);

/* Of a body that came in: settles it, with a fault for options given to `auto`, and for a `chosen`
 * in it that is not what this server chooses. */
void advice_settle_body(struct study_def *study, struct faults *faults);

#endif

/* How a trial reaches a worker, for the files that tell it: match.c, suggest.c, grant.c, claim.c,
 * asks.c. */
#ifndef SERVER_TUNING_CLAIM_H
#define SERVER_TUNING_CLAIM_H

#include "server/tuning/live.h"

/* match.c. `named` is the study of the path, "" for none. */
bool ask_matches(const struct lease_ask *ask, const char *named, const struct live_study *study);
/* Is `a` to be served before `b`? */
bool study_goes_first(const struct live_study *a, const struct live_study *b);
/* An ask for named studies that will hand out nothing more is not kept waiting. */
bool ask_is_hopeless(const struct tuning *tuning, const struct command *command);

/* suggest.c: a new trial, in memory; the grant that must follow writes its row; *trial NULL:
 * nothing left, or (ask->thinks) not yet. */
MUST_USE int study_suggest(struct tuning *tuning, struct ask *ask, struct live_study *study,
                           struct live_trial **trial, struct err *err);

/* grant.c: the trial goes to the ask's worker under a new lease. */
MUST_USE int grant_lease(struct tuning *tuning, struct ask *ask, struct live_trial *trial,
                         bool has_until, int64_t until, struct err *err);
/* The answer to an ask, from the live state alone, so that a repeated ask gets the same. */
MUST_USE int grant_fill(struct tuning *tuning, const struct live_lease *lease,
                        struct lease_grant *grant, struct err *err);
/* Where this worker goes on from: the step of the newest checkpoint within its reach, else 0. */
int64_t grant_resume_step(const struct live_trial *trial, const struct lease_ask *ask,
                          int64_t until);

/* claim.c: something of the first study that has anything to hand out. */
MUST_USE int ask_serve(struct tuning *tuning, struct ask *ask, bool *served, struct err *err);

#endif

/* A trial is handed out under a new lease. */
#ifndef SERVER_TUNING_GRANT_H
#define SERVER_TUNING_GRANT_H

#include "server/tuning/internal.h"

/* The trial goes to the ask's worker, with attempt, lease, counters, event and request id. A trial
 * that is new gets its row here. */
MUST_USE int grant_lease(struct tuning *tuning, struct ask *ask, struct live_trial *trial,
                         bool has_until, int64_t until, struct err *err);
/* The answer to an ask, whole or not at all, from the live state alone, so that a repeated ask gets
 * the same. */
MUST_USE int grant_answer(struct tuning *tuning, const struct live_lease *lease,
                          struct ask_command *command, struct err *err);
/* Where this worker goes on from: the step of the newest checkpoint within its reach, else 0. */
int64_t grant_resume_step(const struct live_trial *trial, const struct lease_ask *ask,
                          int64_t until);

#endif

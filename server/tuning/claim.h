/* What goes out to an ask, in this order: a retry of a lost attempt, a promotion, an enqueued
 * configuration, a new suggestion. */
#ifndef SERVER_TUNING_CLAIM_H
#define SERVER_TUNING_CLAIM_H

#include "server/tuning/internal.h"

/* Grants the ask something of the first study that has anything to hand out. */
MUST_USE int ask_serve(struct tuning *tuning, struct ask *ask, bool *served, struct err *err);
/* Tells the schedule, once, that no new configurations will come. */
MUST_USE int study_seal(struct tuning *tuning, struct live_study *study, struct err *err);

#endif

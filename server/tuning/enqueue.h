/* Brought trials enter a study. */
#ifndef SERVER_TUNING_ENQUEUE_H
#define SERVER_TUNING_ENQUEUE_H

#include "server/tuning/brought.h"
#include "server/tuning/internal.h"

/* May all of them be added to the study, as it stands? Asked before anything is written.
 * by_program: they have a share of the trials also where the study sets none. ERR_WRONG_STATE,
 * ERR_INVALID. */
MUST_USE int brought_check(const struct live_study *study, const struct brought *brought,
                           bool by_program, struct err *err);
/* Adds those that were checked; numbers[0 … brought->n - 1] ← theirs. */
MUST_USE int brought_add(struct tuning *tuning, struct live_study *study, struct brought *brought,
                         int64_t numbers[], struct err *err);

#endif

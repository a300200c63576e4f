/* A trial that has failed is tried again. */
#ifndef SERVER_TUNING_RETRY_H
#define SERVER_TUNING_RETRY_H

#include "server/tuning/internal.h"

/* Could the trial be tried again, if it had failed: is it ours, and are the decisions at its rung
 * open? */
bool trial_may_be_retried(const struct live_study *study, const struct trial_row *row);
/* Queues the trial of this row again, which it takes. Call study_renew_history() once all of a
 * study are. */
MUST_USE int trial_try_again(struct tuning *tuning, struct live_study *study, struct trial_row *row,
                             struct err *err);

#endif

/* From the store to memory: what a study has learned, and what its trials have measured. */
#ifndef SERVER_TUNING_HISTORY_H
#define SERVER_TUNING_HISTORY_H

#include "server/tuning/internal.h"

/* Fills the suggester of a study that learns: finished trials in the order of their ends, source
 * studies, fits. Does nothing for others. ERR_NOMEM, ERR_IO. */
MUST_USE int study_load_history(struct tuning *tuning, struct live_study *study, struct err *err);
/* The same with a new suggester: a trial of the history is no longer final. Suggestions that are
 * prepared or under way are made again. ERR_NOMEM, ERR_IO. */
MUST_USE int study_renew_history(struct tuning *tuning, struct live_study *study, struct err *err);
/* Recalls what a trial has measured of the objective to the schedule, to its lease (may be NULL)
 * and to its learning curve `kept` (may be NULL). ERR_NOMEM, ERR_IO. */
MUST_USE int trial_load_curve(struct tuning *tuning, struct live_study *study, int64_t number,
                              struct live_lease *lease, struct learning_curve *kept,
                              struct err *err);

#endif

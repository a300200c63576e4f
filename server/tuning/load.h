/* From the store to the live tables: at start, and after a group that could not be kept. */
#ifndef SERVER_TUNING_LOAD_H
#define SERVER_TUNING_LOAD_H

#include "server/tuning/internal.h"

/* The configurations that were tried, of trials that are final; open ones bring their own. */
MUST_USE int study_load_tried(struct tuning *tuning, struct live_study *study, struct err *err);
/* The best trial's checkpoint, if it has ended and did not complete. */
MUST_USE int study_load_best(struct tuning *tuning, struct live_study *study, struct err *err);

#endif

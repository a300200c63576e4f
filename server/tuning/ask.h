/* Asks come, wait in order of arrival, and are answered as soon as anything may go out. */
#ifndef SERVER_TUNING_ASK_H
#define SERVER_TUNING_ASK_H

#include "server/tuning/internal.h"

/* Serves the asks that can be served now; answers those that have waited long enough. */
MUST_USE int asks_dispatch(struct tuning *tuning, struct err *err);
/* Suggestions that were requested for waiting asks will not come: they are requested again. */
void asks_forget_jobs(struct tuning *tuning);

#endif

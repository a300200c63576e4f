/* Asks come, wait in order of arrival, and are answered as soon as anything may go out. */
#ifndef SERVER_TUNING_ASK_H
#define SERVER_TUNING_ASK_H

#include "server/tuning/internal.h"

/* Serves the asks that can be served now; answers those that have waited long enough. */
MUST_USE int asks_dispatch(struct tuning *tuning, struct err *err);
/* Out of the queue; its command's answer may leave; frees it. */
void ask_answer(struct tuning *tuning, struct ask *ask);
/* Sets when the ask is due, and looks at it earlier if its token ends before. ERR_NOMEM. */
MUST_USE int ask_set_due(struct tuning *tuning, struct ask *ask, int64_t due_ms, struct err *err);
/* Refuses every waiting ask whose token was revoked or has expired. */
void asks_end_without_token(struct tuning *tuning);

#endif

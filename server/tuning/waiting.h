/* The asks that wait, in order of arrival: when each is looked at, and how it ends. */
#ifndef SERVER_TUNING_WAITING_H
#define SERVER_TUNING_WAITING_H

#include "server/tuning/internal.h"

/* Behind those that came before. ERR_NOMEM: it does not wait. */
MUST_USE int ask_park(struct tuning *tuning, struct ask *ask, struct err *err);
/* The one that waits with this request id; NULL: none does. */
struct ask *ask_of_request(const struct tuning *tuning, const unsigned char request[16]);
/* Out of the queue; its command's answer may leave; frees it. */
void ask_answer(struct tuning *tuning, struct ask *ask);
/* Sets when the ask is due, and looks at it earlier if its token ends before. ERR_NOMEM. */
MUST_USE int ask_set_due(struct tuning *tuning, struct ask *ask, int64_t due_ms, struct err *err);
/* Answers the ask with 401 if its token may no longer be used; true: it is gone. */
bool ask_end_without_token(struct tuning *tuning, struct ask *ask);
/* The same for every ask that waits. */
void asks_end_without_token(struct tuning *tuning);

#endif

/* Replies that are kept for an Idempotency-Key, for a day. */
#ifndef SERVER_TUNING_REPLY_H
#define SERVER_TUNING_REPLY_H

#include "server/tuning/internal.h"

/* *answered: the key was used before, and the command holds the kept reply. ERR_KEY_REUSED: it came
 * with another body then. */
MUST_USE int reply_find(struct tuning *tuning, struct command *command, bool *answered,
                        struct err *err);
/* Keeps the command's reply, if it has a key. */
MUST_USE int reply_keep(struct tuning *tuning, const struct command *command, struct err *err);
/* Forgets those older than a day. The errors of the store. */
MUST_USE int replies_purge(struct tuning *tuning, int rows, bool *more, struct err *err);

#endif

/* Replies to idempotent requests. Part of the store (store.h). */
#ifndef SERVER_STORE_REPLIES_H
#define SERVER_STORE_REPLIES_H

#include "server/store/store.h"

struct reply_row {
    unsigned char key[16];
    unsigned char body[16];
    int64_t status;
    char *text; /* owned when read */
    int64_t at_ms;
};
/* *found false: there is none. */
MUST_USE int store_reply_find(struct store *store, const unsigned char key[16],
                              struct reply_row *row, bool *found, struct err *err);
/* Keeps a reply under its key. */
MUST_USE int store_reply_insert(struct store *store, const struct reply_row *row, struct err *err);
/* Removes up to `rows` that were kept before this moment (wall clock), the oldest first; *more:
 * call again. */
MUST_USE int store_reply_purge(struct store *store, int64_t before_ms, int rows, bool *more,
                               struct err *err);

#endif

/* Tokens. Part of the store (store.h). */
#ifndef SERVER_STORE_TOKENS_H
#define SERVER_STORE_TOKENS_H

#include "server/store/store.h"

struct token_row {
    char id[16];
    char name[NAME_BYTES];
    unsigned char sha256[32];
    unsigned scopes;
    int64_t created_at_ms;
    int64_t expires_at_ms; /* 0: never */
    int64_t revoked_at_ms; /* 0: valid */
    int64_t used_at_ms;    /* 0: never, as far as it was kept */
};
struct token_use {
    char id[16];
    int64_t at_ms; /* wall clock */
};
/* Adds a token; its id is new. */
MUST_USE int store_token_insert(struct store *store, const struct token_row *row, struct err *err);
/* ERR_NOT_FOUND. */
MUST_USE int store_token_revoke(struct store *store, const char *id, int64_t now_ms,
                                struct err *err);
/* Keeps when a token was used, unless a later use is known. Without such a token nothing happens.
 */
MUST_USE int store_token_used(struct store *store, const struct token_use *use, struct err *err);
/* All of them, revoked and expired ones included. */
MUST_USE int store_each_token(struct store *store,
                              int (*each)(void *context, const struct token_row *row,
                                          struct err *err),
                              void *context, struct err *err);

#endif

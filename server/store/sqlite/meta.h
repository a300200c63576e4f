/* Single values of the database, each under a key. For this folder alone. */
#ifndef SERVER_STORE_SQLITE_META_H
#define SERVER_STORE_SQLITE_META_H

#include "server/store/store.h"

/* Unchanged where there is none. */
MUST_USE int meta_read(struct store *store, const char *key, char value[], size_t size,
                       struct err *err);
/* In a group. */
MUST_USE int meta_write(struct store *store, const char *key, const char *value, struct err *err);
/* The same for a number; 0 where there is none. */
MUST_USE int meta_read_int(struct store *store, const char *key, int64_t *value, struct err *err);
MUST_USE int meta_write_int(struct store *store, const char *key, int64_t value, struct err *err);

#endif

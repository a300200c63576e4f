/* The store of a directory and its whole content, for tests of the store. */
#ifndef TESTS_SUPPORT_STORE_CONTENT_H
#define TESTS_SUPPORT_STORE_CONTENT_H

#include "server/store/store.h"

/* store_open() with no setting but the directory. */
MUST_USE int open_at(const char *directory, struct store **store, struct err *err);
/* The same; a failure ends the case. */
struct store *open_now(const char *directory);
/* All that script_read() finds; free() it. A failure ends the case. */
char *content_of(struct store *store);

#endif

/* Brings a database to the newest schema: numbered steps, forward only, all in one
 * transaction: where one fails, the database is as it was.
 *
 * PRAGMA user_version counts them. Before an existing database is changed it is copied to
 * before-NNNN.db beside it, NNNN being the version it had. */
#ifndef SERVER_STORE_SQLITE_MIGRATE_H
#define SERVER_STORE_SQLITE_MIGRATE_H

#include "server/store/store.h"

#define STORE_APPLICATION_ID 0x686f6e65 /* "hone" */
#define STORE_VERSION_WITH_IDENTITY 11  /* the first with the table of store_mark() */

/* The connection of the writer, with no transaction open. ERR_IO: it is the database of another
 * program or of a newer server, or a step failed, and was undone; ERR_STORAGE_FULL, ERR_NOMEM. */
MUST_USE int store_migrate(struct store *store, struct err *err);

/* *version ← that of the database that is open; 0: nothing is in it yet. Writes nothing. ERR_IO: it
 * is the database of another program or of a newer server, or its version cannot be. */
MUST_USE int store_check_version(struct store *store, int64_t *version, struct err *err);
/* The version to which store_migrate() brings a database. */
int store_newest_version(void);

#endif

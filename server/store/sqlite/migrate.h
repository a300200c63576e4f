/* Brings a database to the newest schema: numbered steps, forward only, one transaction each.
 *
 * PRAGMA user_version counts them. Before an existing database is changed it is copied to
 * before-NNNN.db beside it, NNNN being the version it had. */
#ifndef SERVER_STORE_SQLITE_MIGRATE_H
#define SERVER_STORE_SQLITE_MIGRATE_H

#include "server/store/store.h"

/* The connection of the writer, with no transaction open. ERR_IO: it is the database of another
 * program or of a newer server, or a step failed, and was undone; ERR_STORAGE_FULL, ERR_NOMEM. */
MUST_USE int store_migrate(struct store *store, struct err *err);

#endif

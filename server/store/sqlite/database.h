/* A database file that is read without a store: opened, asked for one value, checked as a whole.
 * For backups and for looking at a data directory. One thread. */
#ifndef SERVER_STORE_SQLITE_DATABASE_H
#define SERVER_STORE_SQLITE_DATABASE_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"

void database_close(sqlite3 *db);
static inline void database_drop(sqlite3 **owned)
{
    database_close(*owned);
}

/* Opens a file, or a URI with SQLITE_OPEN_URI, by the VFS of that name (NULL: the usual one). It
 * never checkpoints (sqlite.c says why that matters). *db is the caller's also after an error. */
MUST_USE int database_open(const char *path, int flags, const char *vfs, sqlite3 **db,
                           struct err *err);
/* Turns an SQLite result into *err, behind the path; always -1. ERR_STORAGE_FULL, ERR_NOMEM,
 * ERR_OVERLOADED (no descriptor is free), ERR_IO. */
int database_refused(sqlite3 *db, int rc, const char *path, struct err *err);
/* Runs SQL that returns no rows. */
MUST_USE int database_run(sqlite3 *db, const char *sql, const char *path, struct err *err);
/* The first column of the first row as text; "" where there is no row. */
MUST_USE int database_text(sqlite3 *db, const char *sql, const char *path, char *text, size_t size,
                           struct err *err);
MUST_USE int database_number(sqlite3 *db, const char *sql, const char *path, int64_t *number,
                             struct err *err);
/* Every page, every index, every reference: reads all of it. ERR_IO: what is damaged. */
MUST_USE int database_check(sqlite3 *db, const char *path, struct err *err);

#endif

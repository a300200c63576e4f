#include "server/store/sqlite/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_TIMEOUT_MS 5000

void database_close(sqlite3 *db)
{
    (void)sqlite3_close(db);
}

int database_refused(sqlite3 *db, int rc, const char *path, struct err *err)
{
    enum err_code code = (rc & 0xff) == SQLITE_FULL    ? ERR_STORAGE_FULL
                         : (rc & 0xff) == SQLITE_NOMEM ? ERR_NOMEM
                         : (rc & 0xff) == SQLITE_CANTOPEN && db != NULL
                             ? err_code_of_errno(sqlite3_system_errno(db))
                             : ERR_IO;

    return err_set(err, code, "%s: %s", path, db == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(db));
}

int database_run(sqlite3 *db, const char *sql, const char *path, struct err *err)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : database_refused(db, rc, path, err);
}

int database_open(const char *path, int flags, const char *vfs, sqlite3 **db, struct err *err)
{
    int rc = sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX, vfs);

    if (rc != SQLITE_OK) {
        return database_refused(*db, rc, path, err);
    }
    (void)sqlite3_busy_timeout(*db, BUSY_TIMEOUT_MS);
    (void)sqlite3_db_config(*db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return database_run(*db, "PRAGMA wal_autocheckpoint = 0", path, err);
}

int database_text(sqlite3 *db, const char *sql, const char *path, char *text, size_t size,
                  struct err *err)
{
    sqlite3_stmt *raw = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &raw, NULL);

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(raw);
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        (void)sqlite3_finalize(raw);
        return database_refused(db, rc, path, err);
    }
    const unsigned char *found = rc == SQLITE_ROW ? sqlite3_column_text(raw, 0) : NULL;
    (void)snprintf(text, size, "%s", found == NULL ? "" : (const char *)found);
    (void)sqlite3_finalize(raw);
    return 0;
}

int database_number(sqlite3 *db, const char *sql, const char *path, int64_t *number,
                    struct err *err)
{
    char text[32];

    TRY(database_text(db, sql, path, text, sizeof text, err));
    *number = strtoll(text, NULL, 10);
    return 0;
}

int database_check(sqlite3 *db, const char *path, struct err *err)
{
    char text[200];

    TRY(database_text(db, "PRAGMA integrity_check(1)", path, text, sizeof text, err));
    if (strcmp(text, "ok") != 0) {
        return err_set(err, ERR_IO, "%s is damaged: %s", path, text);
    }
    TRY(database_text(db, "PRAGMA foreign_key_check", path, text, sizeof text, err));
    if (text[0] != '\0') {
        return err_set(err, ERR_IO, "%s is damaged: rows of %s name others that are not there",
                       path, text);
    }
    return 0;
}

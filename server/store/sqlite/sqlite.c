/* Connections and groups. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/store/sqlite/connection.h"
#include "server/store/sqlite/full_disk.h"
#include "server/store/sqlite/functions.h"

#define BUSY_TIMEOUT_MS 5000

int store_failed(const struct store *store, int rc, const char *doing, struct err *err)
{
    const char *text =
        store != NULL && store->db != NULL ? sqlite3_errmsg(store->db) : sqlite3_errstr(rc);

    switch (rc & 0xff) {
    case SQLITE_FULL:
        return err_set(err, ERR_STORAGE_FULL,
                       "the disk of the data directory is full, or a quota or a limit on the size "
                       "of files is reached; nothing was changed, free space and repeat the "
                       "request");
    case SQLITE_NOMEM:
        return err_set(err, ERR_NOMEM, "out of memory while %s", doing);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, ERR_OVERLOADED,
                       "the database is locked by another program while %s; close whatever has "
                       "it open",
                       doing);
    case SQLITE_READONLY:
        return err_set(err, ERR_IO, "the database cannot be written (%s) while %s", text, doing);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return err_set(err, ERR_IO,
                       "the database is damaged (%s) while %s; restore a backup into an empty "
                       "data directory",
                       text, doing);
    default:
        return err_set(err, ERR_IO, "%s while %s", text, doing);
    }
}

int store_exec(struct store *store, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

    if (rc != SQLITE_OK) {
        char doing[80];
        (void)snprintf(doing, sizeof doing, "running \"%.60s\"", sql);
        return store_failed(store, sqlite3_extended_errcode(store->db), doing, err);
    }
    return 0;
}

void store_exec_anyway(struct store *store, const char *sql)
{
    (void)sqlite3_exec(store->db, sql, NULL, NULL, NULL);
}

/* ---- statements ---- */

struct stmt stmt_use(struct store *store, enum stmt_name name)
{
    return (struct stmt){.raw = store->statements[name]};
}

int stmt_step(struct store *store, struct stmt *s, struct err *err)
{
    int rc = sqlite3_step(s->raw);

    if (rc == SQLITE_ROW) {
        return 1;
    }
    if (rc == SQLITE_DONE) {
        return 0;
    }
    return store_failed(store, sqlite3_extended_errcode(store->db), "reading", err);
}

/* One of the statements that open and close transactions. */
static int step_transaction(struct store *store, enum stmt_name name, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, name);

    if (sqlite3_step(s.raw) != SQLITE_DONE) {
        return store_failed(store, sqlite3_extended_errcode(store->db), stmt_sql[name], err);
    }
    return 0;
}

/* The first write of a group or of a command sends what was only announced so far. */
static int open_transaction(struct store *store, struct err *err)
{
    if (!store->begun) {
        TRY(step_transaction(store, STMT_BEGIN, err));
        store->begun = true;
    }
    if (store->wants_savepoint && !store->in_savepoint) {
        TRY(step_transaction(store, STMT_SAVEPOINT, err));
        store->in_savepoint = true;
    }
    return 0;
}

int stmt_run(struct store *store, struct stmt *s, struct err *err)
{
    if (store->in_group) {
        TRY(open_transaction(store, err));
    }
    int rc = sqlite3_step(s->raw);
    if (rc != SQLITE_DONE && rc != SQLITE_ROW) {
        return store_failed(store, sqlite3_extended_errcode(store->db), "writing", err);
    }
    return 0;
}

static int prepare_statements(struct store *store, struct err *err)
{
    for (int i = 0; i < STMT_COUNT; i++) {
        int rc = sqlite3_prepare_v3(store->db, stmt_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &store->statements[i], NULL);
        if (rc != SQLITE_OK) {
            return store_failed(store, rc, stmt_sql[i], err);
        }
    }
    return 0;
}

/* ---- opening ---- */

static int configure(struct store *store, struct err *err)
{
    (void)sqlite3_extended_result_codes(store->db, 1);
    (void)sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    TRY(store_exec(store, "PRAGMA foreign_keys = ON", err));
    TRY(store_exec(store, "PRAGMA cache_size = -8192", err));
    TRY(store_exec(store, "PRAGMA temp_store = MEMORY", err));
    if (store->is_reader) {
        /* Two connections that checkpoint at once could corrupt the log of SQLite before 3.51.3:
         * readers never do, and they close before the writer. */
        (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        TRY(store_exec(store, "PRAGMA query_only = ON", err));
        return store_exec(store, "PRAGMA wal_autocheckpoint = 0", err);
    }
    if (store->directory != NULL) {
        TRY(store_exec(store, "PRAGMA journal_mode = WAL", err));
        TRY(store_exec(store, "PRAGMA synchronous = FULL", err));
        TRY(store_exec(store, "PRAGMA journal_size_limit = 67108864", err));
        return store_exec(store, "PRAGMA wal_autocheckpoint = 4000", err);
    }
    return 0;
}

static int open_connection(struct store *store, struct err *err)
{
    int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE;

    if (!store->is_reader) {
        flags |= SQLITE_OPEN_CREATE;
    }
    int rc = sqlite3_open_v2(store->path, &store->db, flags, NULL);
    if (rc != SQLITE_OK) {
        return store_failed(store, rc, "opening the database", err);
    }
    rc = functions_register(store->db);
    if (rc != SQLITE_OK) {
        return store_failed(store, rc, "registering SQL functions", err);
    }
    return configure(store, err);
}

static bool flag_is_set(struct store *store, const char *key)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_META_GET);
    struct err ignored;
    char value[8] = "";

    stmt_bind_text(&s, ":key", key);
    if (stmt_step(store, &s, &ignored) == 1) {
        stmt_text_copy(&s, 0, value, sizeof value);
    }
    return strcmp(value, "1") == 0;
}

static int put_meta(struct store *store, const char *key, const char *value, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_META_PUT);

    stmt_bind_text(&s, ":key", key);
    stmt_bind_text(&s, ":value", value);
    return stmt_run(store, &s, err);
}

static char *database_path(const struct store_settings *settings)
{
    static unsigned counter;
    char *path = NULL;
    int rc;

    if (settings->directory != NULL) {
        rc = asprintf(&path, "%s/hone.db", settings->directory);
    } else {
        /* A name of its own, so that two stores in one process do not meet. */
        rc = asprintf(&path, "file:/hone-%u?vfs=memdb",
                      __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED));
    }
    return rc < 0 ? NULL : path;
}

static int open_writer(struct store *store, const struct store_settings *settings, struct err *err)
{
    TRY(open_connection(store, err));
    TRY(store_migrate(store, settings->now_ms, err));
    TRY(prepare_statements(store, err));
    store->was_clean = flag_is_set(store, "clean");
    return put_meta(store, "clean", "0", err);
}

int store_open(const struct store_settings *settings, struct store **store, struct err *err)
{
    struct store *opened = calloc(1, sizeof *opened);

    full_disk_recognise();
    if (opened == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    opened->path = database_path(settings);
    if (settings->directory != NULL) {
        opened->directory = strdup(settings->directory);
    }
    if (opened->path == NULL || (settings->directory != NULL && opened->directory == NULL)) {
        store_close(opened);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (open_writer(opened, settings, err) != 0) {
        store_close(opened);
        return -1;
    }
    *store = opened;
    return 0;
}

int store_open_reader(const struct store *writer, struct store **reader, struct err *err)
{
    struct store *opened = calloc(1, sizeof *opened);

    if (opened == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    opened->is_reader = true;
    opened->path = strdup(writer->path);
    if (writer->directory != NULL) {
        opened->directory = strdup(writer->directory);
    }
    if (opened->path == NULL || (writer->directory != NULL && opened->directory == NULL)) {
        store_close(opened);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (open_connection(opened, err) != 0 || prepare_statements(opened, err) != 0) {
        store_close(opened);
        return -1;
    }
    *reader = opened;
    return 0;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    for (int i = 0; i < STMT_COUNT; i++) {
        (void)sqlite3_finalize(store->statements[i]);
    }
    (void)sqlite3_close(store->db);
    free(store->path);
    free(store->directory);
    free(store);
}

/* ---- groups ---- */

void store_group_begin(struct store *store)
{
    store->in_group = true;
    store->begun = false;
    store->wants_savepoint = false;
    store->in_savepoint = false;
}

bool store_group_is_dirty(const struct store *store)
{
    return store->begun;
}

int store_group_commit(struct store *store, struct err *err)
{
    store->in_group = false;
    if (!store->begun) {
        return 0;
    }
    TRY(step_transaction(store, STMT_COMMIT, err));
    store->begun = false;
    return 0;
}

void store_group_rollback(struct store *store)
{
    store->in_group = false;
    if (store->begun && sqlite3_get_autocommit(store->db) == 0) {
        store_exec_anyway(store, "ROLLBACK");
    }
    store->begun = false;
    store->in_savepoint = false;
}

int store_savepoint(struct store *store, struct err *err)
{
    (void)err;
    store->wants_savepoint = true;
    return 0;
}

int store_release(struct store *store, struct err *err)
{
    store->wants_savepoint = false;
    if (!store->in_savepoint) {
        return 0;
    }
    store->in_savepoint = false;
    return step_transaction(store, STMT_RELEASE, err);
}

int store_undo(struct store *store, struct err *err)
{
    store->wants_savepoint = false;
    if (!store->in_savepoint) {
        return 0;
    }
    store->in_savepoint = false;
    TRY(step_transaction(store, STMT_UNDO, err));
    return step_transaction(store, STMT_RELEASE, err);
}

void store_checkpoint(struct store *store, bool truncate)
{
    if (store->directory != NULL) {
        (void)sqlite3_wal_checkpoint_v2(
            store->db, NULL, truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
            NULL, NULL);
    }
}

int store_quick_check(struct store *reader, struct err *err)
{
    sqlite3_stmt *raw = NULL;
    int rc = sqlite3_prepare_v2(reader->db, "PRAGMA quick_check(1)", -1, &raw, NULL);

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(raw);
    }
    const char *text = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(raw, 0) : NULL;
    int result = 0;
    if (text == NULL) {
        result = store_failed(reader, rc, "checking the database", err);
    } else if (strcmp(text, "ok") != 0) {
        result = err_set(err, ERR_IO, "the database is damaged: %.200s", text);
    }
    (void)sqlite3_finalize(raw);
    return result;
}

bool store_was_clean(const struct store *store)
{
    return store->was_clean;
}

int store_mark_clean(struct store *store, struct err *err)
{
    return put_meta(store, "clean", "1", err);
}

int store_read_begin(struct store *reader, struct err *err)
{
    return store_exec(reader, "BEGIN", err);
}

void store_read_end(struct store *reader)
{
    store_exec_anyway(reader, "COMMIT");
}

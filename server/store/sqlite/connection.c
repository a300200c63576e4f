#include "server/store/sqlite/connection.h"

#include <stdarg.h>
#include <stdio.h>

#include "server/store/sqlite/identity.h"

int store_damaged(const struct store *store, struct err *err, const char *fmt, ...)
{
    char seen[300];
    char text[400];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(seen, sizeof seen, fmt, args);
    va_end(args);
    (void)snprintf(text, sizeof text, "the database is damaged: %s", seen);
    if (store->on_damage != NULL) {
        store->on_damage(store->context, text);
    }
    return err_set(err, ERR_IO,
                   "%s; keep a copy of the data directory, then restore a backup (honed --restore)",
                   text);
}

int store_failed(const struct store *store, int rc, const char *doing, struct err *err)
{
    const char *text = store->db != NULL ? sqlite3_errmsg(store->db) : sqlite3_errstr(rc);

    switch (rc & 0xff) {
    case SQLITE_FULL:
        return err_set(err, ERR_STORAGE_FULL,
                       "the disk of the data directory is full, or a quota or a limit on the size "
                       "of files is reached; nothing was changed, free space and repeat the "
                       "request");
    case SQLITE_NOMEM:
        return err_set(err, ERR_NOMEM, "out of memory while %s", doing);
    case SQLITE_INTERRUPT:
        return err_set(err, ERR_OVERLOADED, "interrupted while %s", doing);
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
        return store_damaged(store, err, "%s while %s", text, doing);
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

/* Ends a transaction. Prepared before, it needs no memory: for want of some the transaction would
 * stay open. */
static void step_anyway(struct store *store, enum stmt_name name)
{
    OWN(stmt) struct stmt s = stmt_use(store, name);

    (void)sqlite3_step(s.raw);
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
    if (rc != SQLITE_DONE) {
        return store_failed(store, sqlite3_extended_errcode(store->db), "writing", err);
    }
    return 0;
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
    if (!store->begun) {
        store->in_group = false;
        return 0;
    }
    TRY(identity_count(store, err));
    store->in_group = false;
    TRY(step_transaction(store, STMT_COMMIT, err));
    store->begun = false;
    identity_counted(store);
    if (!store->has_written) {
        store->has_written = true;
        (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    }
    return 0;
}

void store_group_rollback(struct store *store)
{
    store->in_group = false;
    store->purged_study = 0; /* what was removed may be there again */
    if (store->begun && sqlite3_get_autocommit(store->db) == 0) {
        step_anyway(store, STMT_ROLLBACK);
    }
    store->begun = false;
    store->in_savepoint = false;
}

static int run_alone(struct store *store, enum stmt_name name, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, name);

    store_group_begin(store);
    if (stmt_run(store, &s, err) != 0 || store_group_commit(store, err) != 0) {
        store_group_rollback(store);
        return -1;
    }
    return 0;
}

int store_probe_space(struct store *store, struct err *err)
{
    TRY(run_alone(store, STMT_PROBE_PUT, err));
    return run_alone(store, STMT_PROBE_DELETE, err);
}

void store_savepoint(struct store *store)
{
    store->wants_savepoint = true;
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

/* Steps of SQLite's machine between two questions: those of some hundred rows. */
#define STEPS_WANTED 5000

static int is_given_up(void *context)
{
    const struct store *reader = context;

    return !reader->is_wanted(reader->wanted_context);
}

void store_read_while(struct store *reader, bool (*is_wanted)(void *context), void *context)
{
    reader->is_wanted = is_wanted;
    reader->wanted_context = context;
    sqlite3_progress_handler(reader->db, is_wanted == NULL ? 0 : STEPS_WANTED,
                             is_wanted == NULL ? NULL : is_given_up, reader);
}

int store_read_begin(struct store *reader, struct err *err)
{
    if (step_transaction(reader, STMT_READ_BEGIN, err) != 0) {
        step_anyway(reader, STMT_COMMIT); /* one that is given up may have begun */
        return -1;
    }
    return 0;
}

void store_read_end(struct store *reader)
{
    step_anyway(reader, STMT_COMMIT);
}

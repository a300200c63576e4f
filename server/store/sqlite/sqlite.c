/* Opening, closing and upkeep of a connection. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/planted.h"
#include "server/store/sqlite/connection.h"
#include "server/store/sqlite/events.h"
#include "server/store/sqlite/full_disk.h"
#include "server/store/sqlite/functions.h"
#include "server/store/sqlite/identity.h"
#include "server/store/sqlite/meta.h"
#include "server/store/sqlite/migrate.h"

#define BUSY_TIMEOUT_MS 5000

static int prepare_statements(struct store *store, struct err *err)
{
    for (int i = 0; i < STMT_COUNT; i++) {
        int rc = sqlite3_prepare_v3(store->db, stmt_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &store->statements[i], NULL);
        if (rc != SQLITE_OK) {
            char doing[80];
            (void)snprintf(doing, sizeof doing, "preparing \"%.60s\"", stmt_sql[i]);
            return rc == SQLITE_ERROR /* its version says that the table is there */
                       ? store_damaged(store, err, "%s while %s", sqlite3_errmsg(store->db), doing)
                       : store_failed(store, rc, doing, err);
        }
    }
    return 0;
}

/* ---- opening ---- */

static int configure(struct store *store, struct err *err)
{
    /* Two connections that checkpoint at once could corrupt the log of SQLite before 3.51.3:
     * readers never do, and they close before the writer. Of the writer it is a log that was there
     * before, evidence, until a group is written. */
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_extended_result_codes(store->db, 1);
    (void)sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    TRY(store_exec(store, "PRAGMA foreign_keys = ON", err));
    TRY(store_exec(store, "PRAGMA cache_size = -8192", err));
    TRY(store_exec(store, "PRAGMA temp_store = MEMORY", err));
    if (store->is_reader) {
        TRY(store_exec(store, "PRAGMA query_only = ON", err));
        return store_exec(store, "PRAGMA wal_autocheckpoint = 0", err);
    }
    if (store->directory != NULL) {
        TRY(store_exec(store, "PRAGMA synchronous = FULL", err));
        TRY(store_exec(store, "PRAGMA journal_size_limit = 67108864", err));
        return store_exec(store, "PRAGMA wal_autocheckpoint = 4000", err);
    }
    return 0;
}

/* Is it ours, and none that is newer? Only then it gets a log, which is a change of the file. */
static int check_and_log(struct store *store, struct err *err)
{
    int64_t version;

    TRY(store_check_version(store, &version, err));
    return store->directory == NULL ? 0 : store_exec(store, "PRAGMA journal_mode = WAL", err);
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
    struct err ignored;
    int64_t value = 0;

    return meta_read_int(store, key, &value, &ignored) == 0 && value == 1;
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

/* What SQLite could not open for want of descriptors or memory may be opened later. Only while
 * nothing is written: after a commit, the errors of the system say nothing of what is on disk. */
static int tell_passing(const struct store *store, struct err *err)
{
    int number = store->db == NULL || err->code != ERR_IO ? 0 : sqlite3_system_errno(store->db);

    if (err_code_of_errno(number) == ERR_OVERLOADED || err_code_of_errno(number) == ERR_NOMEM) {
        const struct err found = *err;
        return err_set(err, err_code_of_errno(number), "%.400s: %s", found.text, strerror(number));
    }
    return -1;
}

/* Those of another database: its studies and trials have the numbers of ours. */
static int put_logs_aside(const struct store *store, struct err *err)
{
    char from[4096];
    char to[4096];
    struct stat st;
    int n = 1;

    (void)snprintf(from, sizeof from, "%s/logs", store->directory);
    do {
        (void)snprintf(to, sizeof to, "%s/before-logs-%d", store->directory, n++);
    } while (lstat(to, &st) == 0);
    return rename(from, to) == 0 || errno == ENOENT
               ? 0
               : err_set(err, err_code_of_errno(errno),
                         "cannot put aside %s, the logs of another database: %s", from,
                         strerror(errno));
}

/* None of the state that was given up: a change with If-Match would meet what its sender has not
 * read. */
static int renew_revisions(struct store *store, int64_t first, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_STUDY_REVISIONS);

    stmt_bind_int(&s, ":revision", first);
    return stmt_run(store, &s, err);
}

/* Notes what this run gives up, if it does. */
static int begin_epoch(struct store *store, const struct store_settings *settings,
                       const struct loss *loss, struct err *err)
{
    int64_t first;

    if (!loss->found && !settings->new_epoch) {
        return 0;
    }
    store_group_begin(store);
    if (loss->found) {
        store->accepted_loss = strdup(loss->text);
        if (store->accepted_loss == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    bool is_other = loss->mark.epoch > 0 && strcmp(loss->mark.identity, store->mark.identity) != 0;
    TRY(is_other ? put_logs_aside(store, err) : 0);
    TRY(identity_begin_epoch(store, &loss->mark, err));
    TRY(store_event_begin_epoch(store, settings->clock, is_other, &first, err));
    TRY(renew_revisions(store, first, err));
    TRY(store_group_commit(store, err));
    return identity_load(store, err);
}

static int open_writer(struct store *store, const struct store_settings *settings, struct err *err)
{
    struct loss loss;

    TRY(identity_expect(settings, &loss, err));
    TRY(open_connection(store, err));
    TRY(identity_compare(store, settings, &loss, err));
    TRY(check_and_log(store, err));
    TRY(store_migrate(store, err));
    TRY(prepare_statements(store, err));
    TRY(identity_load(store, err));
    store->was_clean = flag_is_set(store, "clean");
    return begin_epoch(store, settings, &loss, err);
}

int store_open(const struct store_settings *settings, struct store **store, struct err *err)
{
    struct store *opened = calloc(1, sizeof *opened);

    full_disk_recognise();
    if (opened == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    opened->on_damage = settings->on_damage;
    opened->context = settings->context;
    opened->path = database_path(settings);
    if (settings->directory != NULL) {
        opened->directory = strdup(settings->directory);
    }
    if (opened->path == NULL || (settings->directory != NULL && opened->directory == NULL)) {
        store_close(opened);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (open_writer(opened, settings, err) != 0) {
        (void)tell_passing(opened, err);
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
    opened->on_damage = writer->on_damage;
    opened->context = writer->context;
    opened->mark = writer->mark;
    opened->last_attempt = writer->last_attempt;
    opened->path = strdup(writer->path);
    if (writer->directory != NULL) {
        opened->directory = strdup(writer->directory);
    }
    if (opened->path == NULL || (writer->directory != NULL && opened->directory == NULL)) {
        store_close(opened);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (open_connection(opened, err) != 0 || prepare_statements(opened, err) != 0) {
        (void)tell_passing(opened, err);
        store_close(opened);
        return -1;
    }
    if (PLANTED(OLD_SNAPSHOT)) {
        (void)sqlite3_step(opened->statements[STMT_TOKEN_EACH]);
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
    free(store->accepted_loss);
    free(store);
}

int store_begin_run(struct store *store, struct err *err)
{
    store_group_begin(store);
    if (meta_write(store, "clean", "0", err) != 0 || store_group_commit(store, err) != 0) {
        store_group_rollback(store);
        return -1;
    }
    return 0;
}

/* ---- upkeep ---- */

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
        result = store_damaged(reader, err, "%.200s", text);
    }
    (void)sqlite3_finalize(raw);
    return result;
}

void store_interrupt(struct store *store)
{
    sqlite3_interrupt(store->db);
}

bool store_was_clean(const struct store *store)
{
    return store->was_clean;
}

int store_mark_clean(struct store *store, struct err *err)
{
    store_group_begin(store);
    if (meta_write(store, "clean", "1", err) != 0 || store_group_commit(store, err) != 0) {
        store_group_rollback(store);
        return -1;
    }
    return 0;
}

const char *store_accepted_loss(const struct store *store)
{
    return store->accepted_loss;
}

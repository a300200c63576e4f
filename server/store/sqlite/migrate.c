#include "server/store/sqlite/migrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/store/sqlite/connection.h"
#include "server/store/sqlite/migrations.h"

static int read_pragma(struct store *store, const char *sql, int64_t *value, struct err *err)
{
    sqlite3_stmt *raw = NULL;
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &raw, NULL);

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(raw);
    }
    if (rc != SQLITE_ROW) {
        (void)sqlite3_finalize(raw);
        return store_failed(store, rc, "reading the version of the database", err);
    }
    *value = sqlite3_column_int64(raw, 0);
    (void)sqlite3_finalize(raw);
    return 0;
}

int store_check_version(struct store *store, int64_t *version, struct err *err)
{
    int64_t application;
    int64_t tables;

    TRY(read_pragma(store, "PRAGMA application_id", &application, err));
    TRY(read_pragma(store, "PRAGMA user_version", version, err));
    TRY(read_pragma(store, "SELECT count(*) FROM sqlite_schema", &tables, err));
    if (application != STORE_APPLICATION_ID) {
        return tables == 0 && application == 0 && *version == 0
                   ? 0
                   : err_set(err, ERR_IO,
                             "%s is not a database of honed; name another --data directory",
                             store->path);
    }
    if (*version > migrations_count) {
        return err_set(err, ERR_IO,
                       "the database has version %" PRId64 ", newer than the %d that this "
                       "honed knows; start the newer honed, or name another --data directory",
                       *version, migrations_count);
    }
    if ((*version > 0) != (tables > 0)) {
        return err_set(err, ERR_IO,
                       "%s is damaged: its version is %" PRId64 ", and it holds %" PRId64
                       " tables and indexes; restore a backup of it",
                       store->path, *version, tables);
    }
    return 0;
}

int store_newest_version(void)
{
    return migrations_count;
}

static int copy_before(struct store *store, int64_t version, struct err *err)
{
    char path[4200];

    if (store->directory == NULL) {
        return 0;
    }
    char *sql = sqlite3_mprintf("VACUUM INTO '%q/before-%04d.db'", store->directory, (int)version);
    if (sql == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    (void)snprintf(path, sizeof path, "%s/before-%04d.db", store->directory, (int)version);
    (void)remove(path); /* a copy that an interrupted start left */
    int result = store_exec(store, sql, err);
    sqlite3_free(sql);
    return result;
}

/* One step, within the transaction of all. */
static int apply(struct store *store, int64_t version, struct err *err)
{
    char pragma[80];

    (void)snprintf(pragma, sizeof pragma, "PRAGMA user_version = %" PRId64, version + 1);
    if (store_exec(store, migrations[version], err) != 0 || store_exec(store, pragma, err) != 0) {
        return err_wrap(err, "migration %04" PRId64, version + 1);
    }
    return 0;
}

static int apply_from(struct store *store, int64_t version, struct err *err)
{
    char pragma[80];

    (void)snprintf(pragma, sizeof pragma, "PRAGMA application_id = %d", STORE_APPLICATION_ID);
    TRY(store_exec(store, pragma, err));
    for (; version < migrations_count; version++) {
        TRY(apply(store, version, err));
    }
    return store_exec(store, "COMMIT", err);
}

int store_migrate(struct store *store, struct err *err)
{
    int64_t version = 0;

    TRY(store_check_version(store, &version, err));
    if (version == migrations_count) {
        return 0;
    }
    if (version > 0) {
        TRY(copy_before(store, version, err));
    }
    TRY(store_exec(store, "BEGIN IMMEDIATE", err));
    int result = apply_from(store, version, err);
    if (result != 0) {
        store_exec_anyway(store, "ROLLBACK");
    }
    return result;
}

#include "server/store/sqlite/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "server/store/sqlite/connection.h"

/* ---- losses ---- */

static bool may_lose(const struct store_settings *settings)
{
    return settings->accept_loss || settings->new_epoch;
}

static int refuse(const struct store_settings *settings, const struct loss *loss, struct err *err)
{
    if (!loss->found || may_lose(settings)) {
        return 0;
    }
    return err_set(err, ERR_IO,
                   "%s. Nothing was changed. Keep a copy of the data directory, then restore a "
                   "backup (honed --restore), or start once with --accept-loss to go on with what "
                   "is there",
                   loss->text);
}

static bool has_content(const char *directory, const char *name)
{
    char path[4096];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return stat(path, &st) == 0 && st.st_size > 0;
}

/* SQLite removes the log of a database that is empty. */
static void tell_missing(const char *directory, bool has_mark, struct loss *loss)
{
    loss->found = true;
    if (has_mark) {
        (void)snprintf(loss->text, sizeof loss->text,
                       "the database %.100s/hone.db is missing or empty, and its file hwm says "
                       "that %" PRId64 " commits were on disk",
                       directory, loss->mark.commit);
    } else if (has_content(directory, "hone.db-wal")) {
        (void)snprintf(loss->text, sizeof loss->text,
                       "the database %.100s/hone.db is missing or empty, and its log hone.db-wal "
                       "has writes",
                       directory);
    } else {
        loss->found = false;
    }
}

int identity_expect(const struct store_settings *settings, struct loss *loss, struct err *err)
{
    bool has_mark = false;
    struct err damaged = {0};

    *loss = (struct loss){.found = false};
    if (settings->directory == NULL) {
        return 0;
    }
    if (hwm_read(settings->directory, &loss->mark, &has_mark, &damaged) != 0) {
        if (damaged.code != ERR_IO) { /* it may be read later */
            return err_set(err, damaged.code, "%s", damaged.text);
        }
        if (!has_mark && !may_lose(settings)) { /* no sign of a loss: its rights, for example */
            return err_set(err, ERR_IO, "%.380s; see its owner and its rights", damaged.text);
        }
        loss->found = true;
        (void)snprintf(loss->text, sizeof loss->text, "%.380s", damaged.text);
    } else if (!has_content(settings->directory, "hone.db")) {
        tell_missing(settings->directory, has_mark, loss);
    }
    return refuse(settings, loss, err);
}

static void read_row(struct stmt *s, struct hwm *mark)
{
    stmt_text_copy(s, 0, mark->identity, sizeof mark->identity);
    mark->epoch = stmt_int(s, 1);
    mark->commit = stmt_int(s, 2);
}

/* Before the named statements are prepared. A database older than the table has no identity. */
static int read_identity(struct store *store, struct hwm *mark, struct err *err)
{
    struct stmt s = {0};
    int rc = sqlite3_prepare_v2(store->db, stmt_sql[STMT_STORE_LOAD], -1, &s.raw, NULL);

    if (rc == SQLITE_ERROR) {
        return 0;
    }
    if (rc != SQLITE_OK) {
        return store_failed(store, rc, "reading which database this is", err);
    }
    int result = stmt_step(store, &s, err);
    if (result == 1) {
        read_row(&s, mark);
        result = stmt_check(&s, err);
    }
    (void)sqlite3_finalize(s.raw);
    return result;
}

/* Without its log, a young database has not even its tables. */
static bool has_tables(struct store *store)
{
    sqlite3_stmt *raw = NULL;

    bool found =
        sqlite3_prepare_v2(store->db, "SELECT 1 FROM study LIMIT 1", -1, &raw, NULL) == SQLITE_OK;
    (void)sqlite3_finalize(raw);
    return found;
}

int identity_compare(struct store *store, const struct store_settings *settings, struct loss *loss,
                     struct err *err)
{
    struct hwm found = {.epoch = 0};
    const struct hwm *mark = &loss->mark;

    if (loss->found || mark->epoch == 0) {
        return 0;
    }
    TRY(read_identity(store, &found, err));
    bool is_empty = found.identity[0] == '\0' && !has_tables(store);
    if (!is_empty && strcmp(found.identity, mark->identity) != 0) {
        loss->found = true;
        (void)snprintf(loss->text, sizeof loss->text,
                       "%.100s is not the database that was served from this directory: it is "
                       "%.8s, and the file hwm beside it is of %.8s at commit %" PRId64,
                       store->path, found.identity[0] == '\0' ? "an older one" : found.identity,
                       mark->identity, mark->commit);
    } else if (found.epoch < mark->epoch || found.commit < mark->commit) {
        loss->found = true;
        (void)snprintf(loss->text, sizeof loss->text,
                       "%.100s has lost acknowledged writes: it ends with commit %" PRId64
                       ", and by the file hwm %" PRId64
                       " were on disk. Its log hone.db-wal was deleted or damaged, or an older "
                       "copy was put in its place",
                       store->path, found.commit, mark->commit);
    }
    return refuse(settings, loss, err);
}

/* ---- the row ---- */

int identity_load(struct store *store, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_STORE_LOAD);
    int more = stmt_step(store, &s, err);

    TRY(more < 0);
    if (more == 0) {
        return store_damaged(store, err, "it does not say which one it is");
    }
    read_row(&s, &store->mark);
    store->known_commit = store->mark.commit;
    store->last_attempt = stmt_int(&s, 3);
    return stmt_check(&s, err);
}

int identity_begin_epoch(struct store *store, const struct hwm *mark, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_STORE_EPOCH);
    int64_t epoch = mark->epoch > store->mark.epoch ? mark->epoch : store->mark.epoch;

    stmt_bind_int(&s, ":epoch", epoch + 1);
    TRY(stmt_run(store, &s, err));
    if (mark->commit > store->mark.commit) {
        store->mark.commit = mark->commit;
    }
    return 0;
}

int identity_count(struct store *store, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_STORE_COMMIT);

    stmt_bind_int(&s, ":commit_number", store->mark.commit + 1);
    stmt_bind_int(&s, ":known", store->known_commit);
    TRY(stmt_run(store, &s, err));
    return sqlite3_changes(store->db) == 1
               ? 0
               : err_set(err, ERR_WRONG_STATE,
                         "another server has written to %.300s, so that what this one knows of it "
                         "is out of date",
                         store->path);
}

void identity_counted(struct store *store)
{
    store->mark.commit++;
    store->known_commit = store->mark.commit;
}

void store_mark(const struct store *store, struct hwm *mark)
{
    *mark = store->mark;
}

/* ---- leases of earlier epochs ---- */

int64_t store_last_attempt(const struct store *store)
{
    return store->last_attempt;
}

static int epoch_has_changed(struct err *err)
{
    return err_set(err, ERR_EPOCH_CHANGED,
                   "the server goes on from an older state of its database than the one that gave "
                   "out this lease; stop this job, its trial is handed out again");
}

int store_check_epoch(const struct store *store, int64_t attempt, struct err *err)
{
    return attempt <= store->last_attempt ? epoch_has_changed(err) : 0;
}

int store_unknown_lease(const struct store *store, struct err *err)
{
    return store->mark.epoch > 1 ? epoch_has_changed(err) : no_such_lease(err);
}

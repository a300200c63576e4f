#include "server/store/sqlite/inspect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "server/store/sqlite/connection.h"
#include "server/store/sqlite/database.h"
#include "server/store/sqlite/identity.h"
#include "server/store/sqlite/migrate.h"

#define PATH_BYTES 4096
#define SPARE_BYTES ((int64_t)64 << 20) /* what the log of writes may take */
#define MIB ((int64_t)1 << 20)

/* ---- the place ---- */

static int64_t size_of(const char *directory, const char *name)
{
    char path[PATH_BYTES];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

/* A migration and a backup copy the database. */
static void look_at_space(const char *directory, const struct statfs *fs, struct findings *findings)
{
    int64_t free_bytes = (int64_t)fs->f_bavail * (int64_t)fs->f_bsize;
    int64_t database = size_of(directory, "hone.db");

    if (free_bytes < SPARE_BYTES) {
        finding_add(findings, FINDING_BAD, "space",
                    "%" PRId64 " MiB are free; below 64 the log of writes may not fit, and the "
                    "server refuses writes: free some",
                    free_bytes / MIB);
    } else if (free_bytes < database + SPARE_BYTES) {
        finding_add(findings, FINDING_WARN, "space",
                    "%" PRId64 " MiB are free, less than the database has (%" PRId64
                    "): an upgrade copies it and would fail; free some",
                    free_bytes / MIB, database / MIB);
    } else {
        finding_add(findings, FINDING_OK, "space", "%" PRId64 " MiB are free", free_bytes / MIB);
    }
}

static void look_at_file_system(const char *directory, struct findings *findings)
{
    struct statfs fs;
    struct err err;

    if (store_check_file_system(directory, &err) != 0) {
        finding_err(findings, FINDING_BAD, "file system", &err, "");
    } else if (statfs(directory, &fs) != 0) {
        finding_add(findings, FINDING_BAD, "file system", "cannot look at %s: %s", directory,
                    strerror(errno));
    } else {
        if (fs.f_type == 0x01021994) {
            finding_add(findings, FINDING_WARN, "file system",
                        "%s lies in memory (tmpfs) and is gone when this machine restarts; name "
                        "another directory with --data",
                        directory);
        } else {
            finding_add(findings, FINDING_OK, "file system", "a local one (type 0x%lx)",
                        (unsigned long)fs.f_type & 0xffffffffUL);
        }
        look_at_space(directory, &fs, findings);
    }
}

/* One of the files; a missing one is another check's business. */
static bool file_is_well(const char *path, struct findings *findings)
{
    struct stat st;

    if (lstat(path, &st) != 0) {
        return true;
    }
    if (!S_ISREG(st.st_mode)) {
        finding_add(findings, FINDING_BAD, "files", "%s is no plain file; move it away", path);
    } else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        finding_add(findings, FINDING_BAD, "files",
                    "%s can be written by other users; chmod go= it", path);
    } else if (access(path, R_OK | W_OK) != 0) {
        finding_add(findings, FINDING_BAD, "files",
                    "%s cannot be read and written by this user; chown it, or run this as the user "
                    "of the server",
                    path);
    } else if ((st.st_mode & (S_IRGRP | S_IROTH)) != 0) {
        finding_add(findings, FINDING_WARN, "files", "%s can be read by other users; chmod go= it",
                    path);
    } else {
        return true;
    }
    return false;
}

static void look_at_files(const char *directory, struct findings *findings)
{
    static const char *const names[] = {"hone.db", "hone.db-wal", "hone.db-shm", "hwm",
                                        "lock",    "admin.token", "worker.token"};
    char path[PATH_BYTES];
    bool well = true;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        well = file_is_well(path, findings) && well;
    }
    if (well) {
        finding_add(findings, FINDING_OK, "files", "for the user of the server alone");
    }
}

static bool look_at_place(const char *directory, struct findings *findings)
{
    struct err err;

    if (store_check_directory(directory, &err) != 0 || store_check_content(directory, &err) != 0) {
        finding_err(findings, FINDING_BAD, "directory", &err, "");
        return false;
    }
    finding_add(findings, FINDING_OK, "directory", "%s", directory);
    look_at_file_system(directory, findings);
    look_at_files(directory, findings);
    return true;
}

/* ---- the database ---- */

/* As a URI, where these have a meaning. */
static void uri_of(const char *path, char *uri, size_t size)
{
    size_t used = (size_t)snprintf(uri, size, "file:");

    for (; *path != '\0' && used + 16 < size; path++) {
        used +=
            (size_t)snprintf(uri + used, size - used,
                             strchr("%?#", *path) != NULL ? "%%%02x" : "%c", (unsigned char)*path);
    }
    (void)snprintf(uri + used, size - used, "?immutable=1");
}

/* No server runs: no file may be created, neither hone.db-shm nor an empty log. With a log, SQLite
 * keeps its index in memory if the connection is exclusive and has no shared memory; without a log,
 * the file is opened as immutable. */
static int open_alone(struct store *looked, struct err *err)
{
    char uri[3 * PATH_BYTES];

    if (size_of(looked->directory, "hone.db-wal") < 0) {
        uri_of(looked->path, uri, sizeof uri);
        return database_open(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL, &looked->db, err);
    }
    TRY(database_open(looked->path, SQLITE_OPEN_READONLY, "unix-none", &looked->db, err));
    return database_run(looked->db, "PRAGMA locking_mode = EXCLUSIVE", looked->path, err);
}

static int open_database(struct store *looked, bool is_served, struct err *err)
{
    return is_served ? database_open(looked->path, SQLITE_OPEN_READONLY, NULL, &looked->db, err)
                     : open_alone(looked, err);
}

static int look_at_schema(struct store *looked, int64_t *version, struct findings *findings)
{
    struct err err;
    int newest = store_newest_version();

    if (store_check_version(looked, version, &err) != 0) {
        finding_err(findings, FINDING_BAD, "schema", &err, "");
        return -1;
    }
    if (*version == 0) {
        finding_add(findings, FINDING_OK, "schema", "nothing is in it yet; a start fills it");
    } else if (*version < newest) {
        finding_add(findings, FINDING_WARN, "schema",
                    "version %" PRId64 ", and this honed has %d: the next start changes the "
                    "database, after a copy to before-%04" PRId64 ".db; take a backup first",
                    *version, newest, *version);
    } else {
        finding_add(findings, FINDING_OK, "schema", "version %" PRId64, *version);
    }
    return 0;
}

static void look_at_pages(struct store *looked, struct findings *findings)
{
    struct err err;

    if (database_check(looked->db, looked->path, &err) != 0) {
        finding_err(findings, FINDING_BAD, "database", &err,
                    "keep a copy of the data directory, restore a backup (honed --restore), and "
                    "look at the disk");
    } else {
        finding_add(findings, FINDING_OK, "database", "every page, index and reference is sound");
    }
}

static void look_at_mark(struct store *looked, const struct store_settings *settings,
                         struct loss *loss, struct findings *findings)
{
    struct err err;

    if (identity_compare(looked, settings, loss, &err) != 0) {
        finding_err(findings, FINDING_BAD, "hwm", &err, "");
    } else if (loss->mark.epoch == 0) {
        finding_add(findings, FINDING_WARN, "hwm",
                    "there is no file hwm, so that lost writes would not be noticed; the next "
                    "start writes one");
    } else {
        finding_add(findings, FINDING_OK, "hwm",
                    "the database has all that is known to be on disk, up to commit %" PRId64,
                    loss->mark.commit);
    }
}

static void read_tokens(struct store *looked, struct store_token_reader *tokens,
                        struct findings *findings)
{
    struct err err;
    int rc = sqlite3_prepare_v2(looked->db, stmt_sql[STMT_TOKEN_EACH], -1,
                                &looked->statements[STMT_TOKEN_EACH], NULL);

    if ((rc != SQLITE_OK && store_failed(looked, rc, "reading the tokens", &err) != 0)
        || store_each_token(looked, tokens->each, tokens->context, &err) != 0) {
        finding_err(findings, FINDING_BAD, "tokens", &err, "restore a backup (honed --restore)");
    } else {
        tokens->done = true;
    }
    (void)sqlite3_finalize(looked->statements[STMT_TOKEN_EACH]);
}

static void look_at_database(const char *directory, bool is_served,
                             struct store_token_reader *tokens, struct findings *findings)
{
    const struct store_settings settings = {.directory = directory};
    char path[PATH_BYTES];
    char folder[PATH_BYTES];
    struct store looked = {.path = path, .directory = folder, .is_reader = true};
    struct loss loss;
    struct err err;
    int64_t version = 0;

    (void)snprintf(path, sizeof path, "%s/hone.db", directory);
    (void)snprintf(folder, sizeof folder, "%s", directory);
    if (identity_expect(&settings, &loss, &err) != 0) {
        finding_err(findings, FINDING_BAD, "hwm", &err, "");
        return;
    }
    if (size_of(directory, "hone.db") <= 0) {
        finding_add(findings, FINDING_WARN, "database", "there is none yet; a start makes it");
        return;
    }
    if (open_database(&looked, is_served, &err) != 0) {
        finding_err(findings, FINDING_BAD, "database", &err,
                    "run this as the user of the server, or restore a backup (honed --restore)");
    } else if (look_at_schema(&looked, &version, findings) == 0) {
        look_at_pages(&looked, findings);
        look_at_mark(&looked, &settings, &loss, findings);
        if (version == store_newest_version()) {
            read_tokens(&looked, tokens, findings);
        }
    }
    database_close(looked.db);
}

/* ---- all of it ---- */

/* One connection alone writes and checkpoints, so a fault of SQLite between two is a remark. */
static void tell_sqlite(struct findings *findings)
{
    int version = sqlite3_libversion_number();

    finding_add(findings, FINDING_OK, "SQLite", "%s%s", sqlite3_libversion(),
                version < 3007000 || version > 3051002
                    ? ""
                    : " (before 3.51.3 two connections that reset the log at once can damage a "
                      "database; honed has one that does)");
}

void store_inspect(const char *directory, struct store_token_reader *tokens,
                   struct findings *findings)
{
    OWN(fd) int lock = -1;
    char holder[32];
    struct err err;

    tell_sqlite(findings);
    if (!look_at_place(directory, findings)) {
        return;
    }
    if (store_hold_directory(directory, &lock, holder, &err) != 0) {
        finding_err(findings, FINDING_BAD, "server", &err, "run this as the user of the server");
        return;
    }
    if (holder[0] != '\0') {
        finding_add(findings, FINDING_OK, "server",
                    "honed (pid %s) runs here: the database is seen as of now, and not what is "
                    "written meanwhile; its settings and its memory are not seen",
                    holder);
    } else {
        finding_add(findings, FINDING_OK, "server", "none runs here");
    }
    look_at_database(directory, holder[0] != '\0', tokens, findings);
}

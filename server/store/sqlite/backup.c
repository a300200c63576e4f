/* A backup: a copy of the database, taken while a server may run. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/own.h"
#include "server/store/manifest.h"
#include "server/store/sqlite/copy.h"
#include "server/store/sqlite/database.h"
#include "server/store/sqlite/full_disk.h"

#define PAGES_AT_ONCE 4096      /* 16 MiB: then it is asked whether to go on */
#define CHECKED_AT_ONCE 1000000 /* steps of SQLite's machine: some 20 ms */

/* All pages as they were at the begin of a transaction: what is written meanwhile would begin the
 * copy anew without it. */
static int copy_pages(sqlite3 *from, sqlite3 *to, const struct backup_order *order,
                      const char *path, struct err *err)
{
    int64_t ignored;
    int stepped = SQLITE_OK;
    int result = 0;

    TRY(database_run(from, "BEGIN", path, err));
    TRY(database_number(from, "SELECT count(*) FROM sqlite_schema", path, &ignored, err));
    sqlite3_backup *copy = sqlite3_backup_init(to, "main", from, "main");
    if (copy == NULL) {
        return database_refused(to, sqlite3_errcode(to), path, err);
    }
    while (stepped == SQLITE_OK && result == 0) {
        stepped = sqlite3_backup_step(copy, PAGES_AT_ONCE);
        result = copy_goes_on(order, err);
    }
    int rc = sqlite3_backup_finish(copy);
    TRY(result);
    if (rc == SQLITE_OK && stepped != SQLITE_DONE) {
        rc = stepped;
    }
    return rc == SQLITE_OK ? 0 : database_refused(to, rc, path, err);
}

static int is_given_up(void *context)
{
    struct err ignored;

    return copy_goes_on(context, &ignored) != 0;
}

/* `fresh` ← a sound copy that needs no log beside it. */
static int copy_database(const struct backup_order *order, const char *fresh, struct backup *made,
                         struct err *err)
{
    struct backup_order asked = *order;
    OWN(database) sqlite3 *from = NULL;
    OWN(database) sqlite3 *to = NULL;
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/hone.db", order->directory);
    TRY(database_open(path, SQLITE_OPEN_READWRITE, NULL, &from, err));
    int rc = sqlite3_open_v2(fresh, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (rc != SQLITE_OK) {
        return database_refused(to, rc, fresh, err);
    }
    TRY(database_run(to, "PRAGMA synchronous = OFF", fresh,
                     err)); /* it is synced as a whole, below */
    TRY(copy_pages(from, to, order, fresh, err));
    TRY(database_run(to, "PRAGMA journal_mode = DELETE", fresh, err));
    sqlite3_progress_handler(to, CHECKED_AT_ONCE, is_given_up, &asked);
    int result = copy_check(to, fresh, made, err);
    sqlite3_progress_handler(to, 0, NULL, NULL);
    TRY(copy_goes_on(order, err));
    return result;
}

/* What has one of the names of a backup is another one, or another program's. Beside a copy that
 * was cut short (`fresh` is there) the manifest may be what that one left. */
static int refuse_existing(const char *file, bool is_left, struct err *err)
{
    static const char *const ends[] = {"", ".json"};
    char path[PATH_MAX];
    struct backup ignored;
    struct err why;
    bool is_there;

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        (void)snprintf(path, sizeof path, "%s%s", file, ends[i]);
        if (access(path, F_OK) != 0
            || (i > 0 && is_left && manifest_read(file, &ignored, &is_there, &why) == 0)) {
            continue;
        }
        return err_set(err, ERR_INVALID, "%.300s exists; name another file for the backup", path);
    }
    return 0;
}

/* *fd ← `fresh`, empty, and locked until it is closed: two backups to one file would take what is
 * half-written for whole. What is there was left by one that was cut short. */
static int begin_fresh(const char *file, const char *fresh, int *fd, struct err *err)
{
    struct stat locked, named;
    char manifest[PATH_MAX];
    OWN(fd) int opened = open(fresh, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    bool is_left = opened >= 0;

    if (!is_left) {
        opened = open(fresh, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    if (opened < 0) {
        return copy_failed("write", fresh, err);
    }
    if (flock(opened, LOCK_EX | LOCK_NB) != 0 || fstat(opened, &locked) != 0
        || stat(fresh, &named) != 0 || locked.st_ino != named.st_ino) {
        return err_set(err, ERR_OVERLOADED, "another backup is writing %.300s", file);
    }
    if (refuse_existing(file, is_left, err) != 0) { /* it was made since */
        (void)unlink(fresh);
        return -1;
    }
    (void)snprintf(manifest, sizeof manifest, "%s.json", file);
    if (is_left && unlink(manifest) != 0 && errno != ENOENT) {
        return copy_failed("remove", manifest, err);
    }
    if (ftruncate(opened, 0) != 0) {
        return copy_failed("empty", fresh, err);
    }
    *fd = opened;
    opened = -1;
    return 0;
}

/* The manifest first, so that no backup is without one. */
static int give_name(const char *fresh, const char *file, const struct backup *written,
                     struct err *err)
{
    char manifest[PATH_MAX];

    TRY(manifest_write(file, written, err));
    if (rename(fresh, file) != 0) {
        (void)copy_failed("name the backup", file, err);
        (void)snprintf(manifest, sizeof manifest, "%s.json", file);
        (void)unlink(manifest);
        return -1;
    }
    return 0;
}

int store_backup_make(const struct backup_order *order, struct backup *made, struct err *err)
{
    const char *file = order->file;
    char fresh[PATH_MAX];
    struct backup written = {.bytes = 0};
    OWN(fd) int lock = -1;

    full_disk_recognise();
    (void)snprintf(fresh, sizeof fresh, "%s.new", file);
    TRY(refuse_existing(file, access(fresh, F_OK) == 0, err));
    TRY(begin_fresh(file, fresh, &lock, err));
    if (copy_database(order, fresh, &written, err) != 0 || copy_sync(fresh, err) != 0
        || copy_read(fresh, -1, order, &written, err) != 0
        || give_name(fresh, file, &written, err) != 0) {
        (void)unlink(fresh);
        return -1;
    }
    TRY(copy_sync_folder(file, err));
    *made = written;
    return 0;
}

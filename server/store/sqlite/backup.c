/* A backup: a copy of the database, taken while a server may run. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/own.h"
#include "server/store/backup_directory.h"
#include "server/store/manifest.h"
#include "server/store/sqlite/copy.h"
#include "server/store/sqlite/database.h"
#include "server/store/sqlite/full_disk.h"

#define PAGES_AT_ONCE 4096      /* 16 MiB: then it is asked whether to go on */
#define CHECKED_AT_ONCE 1000000 /* steps of SQLite's machine: some 20 ms */

/* As of the transaction that is open. */
static int check_room(sqlite3 *from, const struct backup_order *order, struct err *err)
{
    int64_t n_pages, page_bytes;

    TRY(database_number(from, "PRAGMA page_count", order->file, &n_pages, err));
    TRY(database_number(from, "PRAGMA page_size", order->file, &page_bytes, err));
    return copy_check_room(order->file, n_pages * page_bytes, order->directory, err);
}

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
    TRY(check_room(from, order, err));
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
    /* Without locks of its own, as the file is locked already (begin_fresh()): over NFS that lock
     * and SQLite's are of one kind, and the second would be refused. */
    int rc = sqlite3_open_v2(fresh, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix-none");
    if (rc != SQLITE_OK) {
        return database_refused(to, rc, fresh, err);
    }
    /* It is synced as a whole, below. And no memory for others: that VFS shares none. */
    TRY(database_run(to, "PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE", fresh, err));
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

/* Nobody else writes it: locked until it is closed, and still of this name. */
static bool is_ours(int fd, const char *fresh)
{
    struct stat locked, named;

    return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &locked) == 0 && lstat(fresh, &named) == 0
           && locked.st_ino == named.st_ino;
}

/* *fd ← `fresh`, empty, and locked until it is closed: two backups to one file would take what is
 * half-written for whole. What is there was left by one that was cut short. */
static int begin_fresh(const char *file, const char *fresh, int *fd, struct err *err)
{
    char manifest[PATH_MAX];
    OWN(fd) int opened = open(fresh, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    bool is_left = opened >= 0;

    if (!is_left) {
        opened = open(fresh, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    if (opened < 0) {
        return copy_failed("write", fresh, err);
    }
    if (!is_ours(opened, fresh)) {
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

/* ERR_IO: there is no database. ERR_INVALID: the folder does not exist and was never used, so the
 * path is probably mistyped. The errors of backup_directory_check(): it was used before, so its
 * disk is probably not mounted. */
static int check_places(const struct backup_order *order, const char *folder, struct err *err)
{
    char path[PATH_MAX];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/hone.db", order->directory);
    if (stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return err_set(err, ERR_IO,
                       "there is no database %.300s/hone.db; name the data directory of the server "
                       "with --data",
                       order->directory);
    }
    bool is_there = stat(folder, &st) == 0;
    if ((is_there && S_ISDIR(st.st_mode)) || backup_directory_was_used(folder, order->directory)) {
        return backup_directory_check(folder, order->directory, err);
    }
    return err_set(err, ERR_INVALID, "cannot make the backup %.200s: %.200s %s; %s another file",
                   order->file, folder,
                   is_there ? "is not a directory" : "is not there, or cannot be looked at",
                   is_there ? "name" : "make that directory first, or name");
}

int store_backup_make(const struct backup_order *order, struct backup *made, struct err *err)
{
    const char *file = order->file;
    char folder[PATH_MAX];
    char fresh[PATH_MAX];
    struct backup written = {.bytes = 0};
    OWN(fd) int lock = -1;

    full_disk_recognise();
    copy_folder_of(file, folder);
    TRY(check_places(order, folder, err));
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

/* ---- what those that were cut short left ---- */

/* path ← the name with its ending; false: it is too long, so there is no such file. */
static bool name_beside(const char *file, const char *ending, char path[PATH_MAX])
{
    int n = snprintf(path, PATH_MAX, "%s%s", file, ending);

    return n > 0 && n < PATH_MAX;
}

/* The copy last: until it is gone the rest is known to belong to it. */
static bool remove_left(const char *file)
{
    char fresh[PATH_MAX];
    char path[PATH_MAX];
    struct backup ignored;
    struct stat left;
    struct err why;
    bool is_there = false;

    if (!name_beside(file, ".new", fresh)) {
        return false;
    }
    OWN(fd) int fd = open(fresh, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &left) != 0 || !S_ISREG(left.st_mode) || !is_ours(fd, fresh)) {
        return false;
    }
    if (access(file, F_OK) != 0 && manifest_read(file, &ignored, &is_there, &why) == 0 && is_there
        && name_beside(file, ".json", path)) {
        (void)unlink(path);
    }
    if (name_beside(fresh, "-journal", path)) {
        (void)unlink(path);
    }
    return unlink(fresh) == 0;
}

size_t store_backup_remove_left(const char *folder)
{
    char name[BACKUP_NAME_BYTES + 8];
    char file[PATH_MAX];
    const struct dirent *found;
    size_t n = 0;
    DIR *opened = opendir(folder);

    while (opened != NULL && (found = readdir(opened)) != NULL) {
        size_t len = strlen(found->d_name);
        if (len <= 7 || len >= sizeof name || strcmp(found->d_name + len - 7, ".db.new") != 0) {
            continue;
        }
        (void)snprintf(name, sizeof name, "%.*s", (int)(len - 7), found->d_name);
        int bytes = snprintf(file, sizeof file, "%s/%s.db", folder, name);
        if (backup_name_is_valid(name) && bytes > 0 && bytes < PATH_MAX) {
            n += remove_left(file) ? 1 : 0;
        }
    }
    if (opened != NULL) {
        (void)closedir(opened);
    }
    return n;
}

/* Backups: a copy of the database taken while a server may run, and its way back. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/json.h"
#include "common/own.h"
#include "server/store/sqlite/connection.h"
#include "server/store/sqlite/database.h"
#include "server/store/sqlite/full_disk.h"
#include "server/store/sqlite/migrate.h"
#include "server/store/sqlite/migrations.h"

#define PATH_BYTES 4096

static int failed(const char *doing, const char *path, struct err *err)
{
    return err_set(err, errno_is_full_disk(errno) ? ERR_STORAGE_FULL : ERR_IO, "cannot %s %s: %s",
                   doing, path, strerror(errno));
}

/* ---- what is in a database ---- */

static int check(sqlite3 *db, const char *path, struct backup *found, struct err *err)
{
    int64_t application;

    TRY(database_number(db, "PRAGMA application_id", path, &application, err));
    TRY(database_number(db, "PRAGMA user_version", path, &found->version, err));
    if (application != STORE_APPLICATION_ID) {
        return err_set(err, ERR_IO, "%s is not a database of honed", path);
    }
    TRY(database_check(db, path, err));
    found->mark = (struct hwm){.epoch = 0};
    if (found->version < STORE_VERSION_WITH_IDENTITY) {
        return 0; /* of before there was a mark */
    }
    TRY(database_text(db, "SELECT identity FROM store", path, found->mark.identity,
                      sizeof found->mark.identity, err));
    TRY(database_number(db, "SELECT epoch FROM store", path, &found->mark.epoch, err));
    return database_number(db, "SELECT commit_number FROM store", path, &found->mark.commit, err);
}

/* ---- files ---- */

static int sync_folder_of(const char *path, struct err *err)
{
    char folder[PATH_BYTES];

    (void)snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        (void)snprintf(folder, sizeof folder, ".");
    } else {
        slash[slash == folder ? 1 : 0] = '\0';
    }
    OWN(fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) != 0 ? failed("sync", folder, err) : 0;
}

/* Reads the file to its end, into its size and digest, and into `to` unless that is -1. */
static int take_in(const char *path, int to, struct backup *found, struct err *err)
{
    static char piece[1 << 16];
    OWN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    OWN(digest) struct digest *digest = NULL;
    ssize_t got;

    if (fd < 0) {
        return failed("read", path, err);
    }
    TRY(digest_create(&digest, err));
    found->bytes = 0;
    while ((got = read(fd, piece, sizeof piece)) > 0) {
        digest_add(digest, piece, (size_t)got);
        found->bytes += got;
        for (ssize_t done = 0; to >= 0 && done < got;) {
            ssize_t put = write(to, piece + done, (size_t)(got - done));
            if (put < 0) {
                return failed("write a copy of", path, err);
            }
            done += put;
        }
    }
    digest_end(digest, found->sha256);
    return got < 0 ? failed("read", path, err) : 0;
}

static void hex_of(const unsigned char sha256[SHA256_BYTES], char text[2 * SHA256_BYTES + 1])
{
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", sha256[i]);
    }
}

/* ---- a backup ---- */

static int write_manifest(const char *file, const struct backup *made, struct err *err)
{
    char path[PATH_BYTES];
    char hex[2 * SHA256_BYTES + 1];

    hex_of(made->sha256, hex);
    (void)snprintf(path, sizeof path, "%s.json", file);
    OWN(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failed("write", path, err);
    }
    if (dprintf(fd,
                "{\"database\": \"%s\", \"epoch\": %" PRId64 ", \"commit\": %" PRId64
                ", \"schema\": %" PRId64 ", \"bytes\": %" PRId64 ", \"sha256\": \"%s\"}\n",
                made->mark.identity, made->mark.epoch, made->mark.commit, made->version,
                made->bytes, hex)
            < 0
        || fsync(fd) != 0) {
        (void)failed("write", path, err);
        (void)unlink(path);
        return -1;
    }
    return 0;
}

/* All pages in one read transaction: the moment at which it began. */
static int copy_pages(sqlite3 *from, sqlite3 *to, const char *path, struct err *err)
{
    sqlite3_backup *copy = sqlite3_backup_init(to, "main", from, "main");

    if (copy == NULL) {
        return database_refused(to, sqlite3_errcode(to), path, err);
    }
    int stepped = sqlite3_backup_step(copy, -1);
    int rc = sqlite3_backup_finish(copy);
    if (rc == SQLITE_OK && stepped != SQLITE_DONE) {
        rc = stepped;
    }
    return rc == SQLITE_OK ? 0 : database_refused(to, rc, path, err);
}

/* `fresh` ← a sound copy that needs no log beside it. */
static int copy_database(const char *directory, const char *fresh, struct backup *made,
                         struct err *err)
{
    OWN(database) sqlite3 *from = NULL;
    OWN(database) sqlite3 *to = NULL;
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof path, "%s/hone.db", directory);
    TRY(database_open(path, SQLITE_OPEN_READWRITE, NULL, &from, err));
    int rc = sqlite3_open_v2(fresh, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (rc != SQLITE_OK) {
        return database_refused(to, rc, fresh, err);
    }
    TRY(database_run(to, "PRAGMA synchronous = OFF", fresh,
                     err)); /* it is synced as a whole, below */
    TRY(copy_pages(from, to, fresh, err));
    TRY(database_run(to, "PRAGMA journal_mode = DELETE", fresh, err));
    return check(to, fresh, made, err);
}

static int sync_file(const char *path, struct err *err)
{
    OWN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd < 0 || fsync(fd) != 0 ? failed("sync", path, err) : 0;
}

/* What has one of the names of a backup is another one, or another program's. */
static int refuse_existing(const char *file, struct err *err)
{
    static const char *const ends[] = {"", ".json"};
    char path[PATH_BYTES];

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        (void)snprintf(path, sizeof path, "%s%s", file, ends[i]);
        if (access(path, F_OK) == 0) {
            return err_set(err, ERR_INVALID, "%.300s exists; name another file for the backup",
                           path);
        }
    }
    return 0;
}

/* *fd ← `fresh`, empty, and locked until it is closed: two backups to one file would take what is
 * half-written for whole. What is there was left by one that was cut short. */
static int begin_fresh(const char *file, const char *fresh, int *fd, struct err *err)
{
    struct stat locked, named;
    OWN(fd) int opened = open(fresh, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (opened < 0) {
        return failed("write", fresh, err);
    }
    if (flock(opened, LOCK_EX | LOCK_NB) != 0 || fstat(opened, &locked) != 0
        || stat(fresh, &named) != 0 || locked.st_ino != named.st_ino) {
        return err_set(err, ERR_OVERLOADED, "another backup is writing %.300s", file);
    }
    if (refuse_existing(file, err) != 0) { /* it was made since */
        (void)unlink(fresh);
        return -1;
    }
    if (ftruncate(opened, 0) != 0) {
        return failed("empty", fresh, err);
    }
    *fd = opened;
    opened = -1;
    return 0;
}

int store_backup_make(const char *directory, const char *file, struct backup *made, struct err *err)
{
    char fresh[PATH_BYTES];
    struct backup written = {.bytes = 0};
    OWN(fd) int lock = -1;

    full_disk_recognise();
    TRY(refuse_existing(file, err));
    (void)snprintf(fresh, sizeof fresh, "%s.new", file);
    TRY(begin_fresh(file, fresh, &lock, err));
    if (copy_database(directory, fresh, &written, err) != 0 || sync_file(fresh, err) != 0
        || take_in(fresh, -1, &written, err) != 0 || write_manifest(file, &written, err) != 0) {
        (void)unlink(fresh);
        return -1;
    }
    if (rename(fresh, file) != 0) {
        return failed("name the backup", file, err);
    }
    TRY(sync_folder_of(file, err));
    *made = written;
    return 0;
}

/* ---- back ---- */

static int compare_manifest(const char *file, const struct backup *found, struct err *err)
{
    char path[PATH_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    char text[1024] = "";

    (void)snprintf(path, sizeof path, "%s.json", file);
    OWN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return 0;
    }
    if (fd < 0 || read(fd, text, sizeof text - 1) < 0) {
        return failed("read", path, err);
    }
    json_auto_t *manifest = NULL;
    TRY(json_parse_own(text, &manifest, err));
    const char *named = json_string_value(json_object_get(manifest, "sha256"));
    hex_of(found->sha256, hex);
    return named != NULL && strcmp(named, hex) == 0
               ? 0
               : err_set(err, ERR_IO,
                         "%.200s has changed since it was made: its SHA-256 is not that of "
                         "%.200s.json",
                         file, file);
}

/* A log beside it is part of a database, and would stay behind. */
static int refuse_log(const char *file, struct err *err)
{
    char path[PATH_BYTES];
    struct stat log;

    (void)snprintf(path, sizeof path, "%s-wal", file);
    if (stat(path, &log) != 0 || log.st_size == 0) {
        return 0;
    }
    return err_set(err, ERR_INVALID,
                   "%.300s is no backup: newer writes are in %.300s-wal. Make a backup of its "
                   "directory first (honed --backup NEW --data DIRECTORY), and restore that",
                   file, file);
}

static int refuse_newer(const char *file, const struct backup *found, struct err *err)
{
    return found->version <= migrations_count
               ? 0
               : err_set(err, ERR_IO,
                         "%.300s has version %" PRId64 ", newer than the %d that this honed knows; "
                         "restore it with the newer honed",
                         file, found->version, migrations_count);
}

int store_backup_verify(const char *file, struct backup *found, struct err *err)
{
    OWN(database) sqlite3 *db = NULL;
    struct backup read = {.bytes = 0};

    TRY(refuse_log(file, err));
    TRY(take_in(file, -1, &read, err));
    TRY(compare_manifest(file, &read, err));
    TRY(database_open(file, SQLITE_OPEN_READONLY, NULL, &db, err));
    TRY(check(db, file, &read, err));
    TRY(refuse_newer(file, &read, err));
    *found = read;
    return 0;
}

/* Where there is no mark yet, one that nothing reaches before begin_epoch(): a start between two of
 * the next steps refuses. Where there is one, what is here without its log is behind it. */
static int mark_as_unfinished(const char *directory, const struct backup *found, struct err *err)
{
    struct hwm mark = {.identity = "00000000000000000000000000000000", .epoch = 1};
    struct hwm_file file = {.fd = -1};
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof path, "%s/hwm", directory);
    if (access(path, F_OK) == 0) {
        return 0;
    }
    if (found->mark.identity[0] != '\0') {
        mark = found->mark;
    }
    (void)snprintf(path, sizeof path, "%s/hone.db", directory);
    if (access(path, F_OK) == 0) {
        mark.epoch++; /* its last commit is unknown without its log */
    } else {
        mark.commit++;
    }
    TRY(hwm_open(directory, &mark, &file, err));
    hwm_close(&file);
    return 0;
}

/* What is there goes into a folder of its own, `kept`. */
static int put_aside(const char *directory, char kept[64], struct err *err)
{
    static const char *const names[] = {"hone.db", "hone.db-wal", "hone.db-shm"};
    char from[PATH_BYTES];
    char to[PATH_BYTES];

    kept[0] = '\0';
    (void)snprintf(from, sizeof from, "%s/hone.db", directory);
    if (access(from, F_OK) != 0) {
        return 0;
    }
    for (int n = 1;; n++) {
        (void)snprintf(kept, 64, "before-restore-%d", n);
        (void)snprintf(to, sizeof to, "%s/%s", directory, kept);
        if (mkdir(to, 0700) == 0) {
            break;
        }
        if (errno != EEXIST) {
            return failed("make", to, err);
        }
    }
    for (size_t i = 3; i-- > 0;) { /* the database last: until then all of it is known to be here */
        (void)snprintf(from, sizeof from, "%s/%s", directory, names[i]);
        (void)snprintf(to, sizeof to, "%s/%s/%s", directory, kept, names[i]);
        if (rename(from, to) != 0 && errno != ENOENT) {
            return failed("move", from, err);
        }
    }
    return sync_folder_of(to, err);
}

/* What is open now is the newest there is, and the file hwm says so. */
static int begin_epoch(const char *directory, struct backup *restored, struct err *err)
{
    const struct store_settings settings = {.directory = directory, .new_epoch = true};
    struct hwm_file file = {.fd = -1};
    OWN(store) struct store *store = NULL;

    TRY(store_open(&settings, &store, err));
    TRY(store_mark_clean(store, err));
    store_checkpoint(store, true);
    store_mark(store, &restored->mark);
    TRY(hwm_open(directory, &restored->mark, &file, err));
    hwm_close(&file);
    return 0;
}

/* `fresh` ← a copy of the backup that was verified, on disk. */
static int copy_backup(const char *file, const char *fresh, const struct backup *found,
                       struct err *err)
{
    struct backup copied;
    OWN(fd) int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        return failed("write", fresh, err);
    }
    TRY(take_in(file, fd, &copied, err));
    if (fsync(fd) != 0) {
        return failed("sync", fresh, err);
    }
    return memcmp(copied.sha256, found->sha256, SHA256_BYTES) == 0
               ? 0
               : err_set(err, ERR_IO, "%s changed while it was read", file);
}

int store_backup_restore(const char *file, const char *directory, struct backup *restored,
                         struct err *err)
{
    char fresh[PATH_BYTES];
    char path[PATH_BYTES];
    struct backup found;

    TRY(store_backup_verify(file, &found, err));
    (void)snprintf(fresh, sizeof fresh, "%s/hone.db.new", directory);
    (void)snprintf(path, sizeof path, "%s/hone.db", directory);
    if (copy_backup(file, fresh, &found, err) != 0) {
        (void)unlink(fresh); /* on a disk that may be full */
        return -1;
    }
    TRY(mark_as_unfinished(directory, &found, err));
    TRY(put_aside(directory, found.kept, err));
    if (rename(fresh, path) != 0) {
        return failed("put in place", path, err);
    }
    TRY(sync_folder_of(path, err));
    TRY(begin_epoch(directory, &found, err));
    *restored = found;
    return 0;
}

/* The way back: a backup is verified, and takes the place of a database. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/own.h"
#include "server/store/manifest.h"
#include "server/store/sqlite/copy.h"
#include "server/store/sqlite/database.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/store.h"

static int compare_manifest(const char *file, const struct backup *found, struct err *err)
{
    struct backup made;
    bool is_there;

    TRY(manifest_read(file, &made, &is_there, err));
    return !is_there || memcmp(made.sha256, found->sha256, SHA256_BYTES) == 0
               ? 0
               : err_set(err, ERR_IO,
                         "%.200s has changed since it was made: its SHA-256 is not that of "
                         "%.200s.json",
                         file, file);
}

/* A log beside it is part of a database, and would stay behind. */
static int refuse_log(const char *file, struct err *err)
{
    char path[PATH_MAX];
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
    TRY(copy_read(file, -1, NULL, &read, err));
    TRY(compare_manifest(file, &read, err));
    TRY(database_open(file, SQLITE_OPEN_READONLY, NULL, &db, err));
    TRY(copy_check(db, file, &read, err));
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
    char path[PATH_MAX];

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
    char from[PATH_MAX];
    char to[PATH_MAX];

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
            return copy_failed("make", to, err);
        }
    }
    for (size_t i = 3; i-- > 0;) { /* the database last: until then all of it is known to be here */
        (void)snprintf(from, sizeof from, "%s/%s", directory, names[i]);
        (void)snprintf(to, sizeof to, "%s/%s/%s", directory, kept, names[i]);
        if (rename(from, to) != 0 && errno != ENOENT) {
            return copy_failed("move", from, err);
        }
    }
    return copy_sync_folder(to, err);
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
        return copy_failed("write", fresh, err);
    }
    TRY(copy_read(file, fd, NULL, &copied, err));
    if (fsync(fd) != 0) {
        return copy_failed("sync", fresh, err);
    }
    return memcmp(copied.sha256, found->sha256, SHA256_BYTES) == 0
               ? 0
               : err_set(err, ERR_IO, "%s changed while it was read", file);
}

int store_backup_restore(const char *file, const char *directory, struct backup *restored,
                         struct err *err)
{
    char fresh[PATH_MAX];
    char path[PATH_MAX];
    struct backup found;

    TRY(store_backup_verify(file, &found, err));
    (void)snprintf(fresh, sizeof fresh, "%s/hone.db.new", directory);
    (void)snprintf(path, sizeof path, "%s/hone.db", directory);
    TRY(copy_check_room(fresh, found.bytes, NULL, err));
    if (copy_backup(file, fresh, &found, err) != 0) {
        (void)unlink(fresh); /* on a disk that may be full */
        return -1;
    }
    TRY(mark_as_unfinished(directory, &found, err));
    TRY(put_aside(directory, found.kept, err));
    if (rename(fresh, path) != 0) {
        return copy_failed("put in place", path, err);
    }
    TRY(copy_sync_folder(path, err));
    TRY(begin_epoch(directory, &found, err));
    *restored = found;
    return 0;
}

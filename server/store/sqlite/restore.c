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

/* Where there is no mark yet. */
static void choose_mark(const char *directory, const struct backup *found, struct hwm *mark)
{
    char path[PATH_MAX];

    *mark = (struct hwm){.identity = "00000000000000000000000000000000", .epoch = 1};
    if (found->mark.identity[0] != '\0') {
        *mark = found->mark;
    }
    (void)snprintf(path, sizeof path, "%s/hone.db", directory);
    if (access(path, F_OK) == 0) {
        mark->epoch++; /* its last commit is unknown without its log */
    } else {
        mark->commit++;
    }
}

/* A start between two of the next steps refuses: before begin_epoch() the backup does not reach the
 * mark, which may have been behind it. What is here without its log is behind a mark that there is.
 */
static int mark_as_unfinished(const char *directory, const struct backup *found, struct err *err)
{
    struct hwm mark;
    struct hwm_file file = {.fd = -1};
    struct err ignored;
    bool has_mark = false;

    if (hwm_read(directory, &mark, &has_mark, &ignored) != 0) {
        return 0; /* so does a start with one that cannot be read */
    }
    if (!has_mark) {
        choose_mark(directory, found, &mark);
    } else if (strcmp(mark.identity, found->mark.identity) == 0
               && mark.commit <= found->mark.commit) {
        mark.commit = found->mark.commit + 1;
    } else {
        return 0;
    }
    TRY(hwm_open(directory, &mark, &file, err));
    hwm_close(&file);
    return 0;
}

/* ---- what was there ---- */

/* The database last: a folder that has one has all of it. */
static const char *const names[] = {"hone.db-journal", "hone.db-wal", "hone.db"};
#define N_NAMES (sizeof names / sizeof names[0])
#define DATABASE names[N_NAMES - 1]
/* In the folder: a link whose text says of which database it is. */
#define UNFINISHED "unfinished"
#define PLACE_BYTES (PATH_MAX + 16) /* one of these names in a folder */

/* -1: it is not there. */
static int64_t size_in(const char *folder, const char *name)
{
    char path[PLACE_BYTES];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return lstat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

/* text ← inode and time of the last change of the database: the same as long as it is not written
 * to. */
static void describe_database(const char *directory, char text[64])
{
    char path[PLACE_BYTES];
    struct stat st = {.st_ino = 0};

    (void)snprintf(path, sizeof path, "%s/%s", directory, DATABASE);
    (void)stat(path, &st);
    (void)snprintf(text, 64, "%" PRIdMAX "-%" PRIdMAX ".%09ld", (intmax_t)st.st_ino,
                   (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

/* Did a restore that was cut short move the log of this database there, and not yet the database?
 */
static bool is_begun(const char *directory, const char *folder, const char *database)
{
    char path[PLACE_BYTES];
    char text[64] = "";

    (void)snprintf(path, sizeof path, "%s/" UNFINISHED, folder);
    return readlink(path, text, sizeof text - 1) > 0 && strcmp(text, database) == 0
           && size_in(folder, DATABASE) < 0 && size_in(directory, names[0]) <= 0
           && size_in(directory, names[1]) <= 0;
}

/* A new one, or the one of a restore that was cut short. */
static int make_folder(const char *directory, char kept[64], char folder[PATH_MAX], struct err *err)
{
    char database[64];
    char path[PLACE_BYTES];

    describe_database(directory, database);
    for (int n = 1;; n++) {
        (void)snprintf(kept, 64, "before-restore-%d", n);
        (void)snprintf(folder, PATH_MAX, "%s/%s", directory, kept);
        if (mkdir(folder, 0700) == 0) {
            break;
        }
        if (errno != EEXIST) {
            return copy_failed("make", folder, err);
        }
        if (is_begun(directory, folder, database)) {
            return 0;
        }
    }
    (void)snprintf(path, sizeof path, "%s/" UNFINISHED, folder);
    int linked = symlink(database, path);
    (void)linked; /* without it a repeated restore takes another folder */
    return 0;
}

/* The folder of a restore that was cut short after it had moved all; "": there is none. */
static void find_unfinished(const char *directory, char kept[64])
{
    char name[64];
    char folder[PATH_MAX];

    kept[0] = '\0';
    for (int n = 1;; n++) {
        (void)snprintf(name, sizeof name, "before-restore-%d", n);
        (void)snprintf(folder, sizeof folder, "%s/%s", directory, name);
        if (access(folder, F_OK) != 0) {
            return;
        }
        if (size_in(folder, UNFINISHED) >= 0 && size_in(folder, DATABASE) >= 0) {
            (void)snprintf(kept, 64, "%s", name);
        }
    }
}

static int move(const char *directory, const char *folder, const char *name, struct err *err)
{
    char from[PLACE_BYTES];
    char to[PLACE_BYTES];

    (void)snprintf(from, sizeof from, "%s/%s", directory, name);
    (void)snprintf(to, sizeof to, "%s/%s", folder, name);
    /* An empty log may be that of a start which was refused. */
    bool is_kept = strcmp(name, DATABASE) == 0 || size_in(directory, name) > 0;
    return (is_kept ? rename(from, to) : unlink(from)) != 0 && errno != ENOENT
               ? copy_failed(is_kept ? "move" : "remove", from, err)
               : 0;
}

/* What is there goes into a folder of its own, `kept`: also a log whose database is gone, as SQLite
 * would write it into the one that is put there next. "": there was nothing. */
static int put_aside(const char *directory, char kept[64], struct err *err)
{
    char folder[PATH_MAX];
    char path[PLACE_BYTES];

    (void)snprintf(path, sizeof path, "%s/hone.db-shm", directory); /* SQLite makes it anew */
    if (unlink(path) != 0 && errno != ENOENT) {
        return copy_failed("remove", path, err);
    }
    if (size_in(directory, names[0]) <= 0 && size_in(directory, names[1]) <= 0
        && size_in(directory, DATABASE) < 0) {
        find_unfinished(directory, kept);
        return 0;
    }
    TRY(make_folder(directory, kept, folder, err));
    for (size_t i = 0; i < N_NAMES; i++) {
        TRY(move(directory, folder, names[i], err));
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, DATABASE);
    TRY(copy_sync_folder(path, err));
    return copy_sync_folder(folder, err);
}

static void finish(const char *directory, const char *kept)
{
    char path[PLACE_BYTES];

    (void)snprintf(path, sizeof path, "%s/%s/" UNFINISHED, directory, kept);
    if (kept[0] != '\0') {
        (void)unlink(path);
    }
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
    char path[PLACE_BYTES];
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
    finish(directory, found.kept);
    *restored = found;
    return 0;
}

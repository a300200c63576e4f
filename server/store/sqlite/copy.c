#include "server/store/sqlite/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/own.h"
#include "server/store/sqlite/connection.h"
#include "server/store/sqlite/database.h"
#include "server/store/sqlite/full_disk.h"
#include "server/store/sqlite/migrate.h"

#define PIECE_BYTES 65536
#define MIB ((int64_t)1 << 20)
#define LOG_BYTES (64 * MIB) /* what the log of writes may take */

int copy_failed(const char *doing, const char *path, struct err *err)
{
    return err_set(err, err_code_of_errno(errno), "cannot %s %s: %s", doing, path, strerror(errno));
}

int copy_goes_on(const struct backup_order *order, struct err *err)
{
    return order != NULL && order->is_over != NULL && order->is_over(order->context)
               ? err_set(err, ERR_OVERLOADED, "the backup was given up: the server stops")
               : 0;
}

int copy_check(sqlite3 *db, const char *path, struct backup *found, struct err *err)
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

void copy_folder_of(const char *path, char folder[PATH_MAX])
{
    (void)snprintf(folder, PATH_MAX, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        (void)snprintf(folder, PATH_MAX, ".");
    } else {
        slash[slash == folder ? 1 : 0] = '\0';
    }
}

static bool is_one_disk(const char *a, const char *b)
{
    struct stat left, right;

    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev;
}

int copy_check_room(const char *file, int64_t bytes, const char *data, struct err *err)
{
    char folder[PATH_MAX];
    struct statfs fs;

    copy_folder_of(file, folder);
    if (statfs(folder, &fs) != 0 || fs.f_blocks == 0) {
        return 0;
    }
    bool shares = data != NULL && is_one_disk(folder, data);
    int64_t needed = bytes + (shares ? LOG_BYTES : 0);
    int64_t unused = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    if (unused >= needed) {
        return 0;
    }
    return err_set(err, ERR_STORAGE_FULL,
                   "%.300s needs %" PRId64 " MiB%s, and its disk has %" PRId64
                   " MiB free; free some, or name another place",
                   file, (needed + MIB - 1) / MIB,
                   shares ? " (64 of them for the log of the database, which has the same disk)"
                          : "",
                   unused / MIB);
}

int copy_sync_folder(const char *path, struct err *err)
{
    char folder[PATH_MAX];

    copy_folder_of(path, folder);
    OWN(fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) != 0 ? copy_failed("sync", folder, err) : 0;
}

int copy_sync(const char *path, struct err *err)
{
    OWN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd < 0 || fsync(fd) != 0 ? copy_failed("sync", path, err) : 0;
}

int copy_read(const char *path, int to, const struct backup_order *order, struct backup *found,
              struct err *err)
{
    OWN(memory) char *piece = malloc(PIECE_BYTES);
    OWN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    OWN(digest) struct digest *digest = NULL;
    ssize_t got;

    if (piece == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (fd < 0) {
        return copy_failed("read", path, err);
    }
    TRY(digest_create(&digest, err));
    found->bytes = 0;
    while ((got = read(fd, piece, PIECE_BYTES)) > 0) {
        TRY(copy_goes_on(order, err));
        digest_add(digest, piece, (size_t)got);
        found->bytes += got;
        for (ssize_t done = 0; to >= 0 && done < got;) {
            ssize_t put = write(to, piece + done, (size_t)(got - done));
            if (put < 0) {
                return copy_failed("write a copy of", path, err);
            }
            done += put;
        }
    }
    digest_end(digest, found->sha256);
    return got < 0 ? copy_failed("read", path, err) : 0;
}

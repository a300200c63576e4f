/* What a backup and a restore share: a database file that is copied, checked, digested and synced.
 * Each returns ERR_OVERLOADED once is_over() of its backup_order is true. */
#ifndef SERVER_STORE_SQLITE_COPY_H
#define SERVER_STORE_SQLITE_COPY_H

#include <limits.h>
#include <sqlite3.h>
#include <stddef.h>

#include "server/store/backup.h"

/* ERR_STORAGE_FULL or ERR_IO of errno: "cannot write FILE: …"; always -1. */
int copy_failed(const char *doing, const char *path, struct err *err);
/* ERR_OVERLOADED where the order is to be given up; NULL never is. */
MUST_USE int copy_goes_on(const struct backup_order *order, struct err *err);
/* folder ← where the file is: up to the last slash, or ".". */
void copy_folder_of(const char *path, char folder[PATH_MAX]);
/* ERR_STORAGE_FULL, with how much is needed and how much there is, where the disk of a new file has
 * less than `bytes` free, and beside the database of `data` (NULL: none) what the log of writes may
 * take, too. Where the file system does not tell, there is room. */
MUST_USE int copy_check_room(const char *file, int64_t bytes, const char *data, struct err *err);
/* What is in an open database, all of it checked: fills version and mark. */
MUST_USE int copy_check(sqlite3 *db, const char *path, struct backup *found, struct err *err);
/* Reads the file to its end, into its size and digest, and into `to` unless that is -1. */
MUST_USE int copy_read(const char *path, int to, const struct backup_order *order,
                       struct backup *found, struct err *err);
MUST_USE int copy_sync(const char *path, struct err *err);
/* Syncs the folder that the file is in: its name is on disk then. */
MUST_USE int copy_sync_folder(const char *path, struct err *err);

#endif

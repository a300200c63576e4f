/* The directory that backups go to, known again. Where its file system is not mounted there is the
 * empty directory below it: backups would fill another disk, and those of before seem to be gone.
 *
 * With the first backup the directory gets a file `hone-backups` with an identity of its own, and
 * the data directory a file `backup-directory` with that identity and the real path. A directory of
 * that path without that identity is refused, until the second file is removed by hand. One of
 * another path is used as it is, and keeps the identity that it has: a moved directory, one that
 * several servers share, and a restored database need nothing.
 *
 * Any thread; touches files, which may take as long as a network's file system does. */
#ifndef SERVER_STORE_BACKUP_DIRECTORY_H
#define SERVER_STORE_BACKUP_DIRECTORY_H

#include <stdbool.h>

#include "common/err.h"
#include "server/store/hwm.h"

/* May backups go there at all? It exists, this user alone may write to it, and it is not the data
 * directory. ERR_INVALID. */
MUST_USE int backup_directory_usable(const char *folder, const char *data, struct err *err);
/* Have backups gone to this path before? Also where nothing is there now. */
bool backup_directory_was_used(const char *folder, const char *data);
/* Is it the one that backups went to before, or one of another path? Writes nothing.
 * ERR_WRONG_STATE: it is not, or cannot be looked at, with what to do; ERR_IO, ERR_OVERLOADED. */
MUST_USE int backup_directory_check(const char *folder, const char *data, struct err *err);
/* identity ← that of the directory, which gets one if it has none. On disk when this returns.
 * ERR_STORAGE_FULL, ERR_IO. */
MUST_USE int backup_directory_mark(const char *folder, char identity[STORE_IDENTITY_BYTES],
                                   struct err *err);
/* Keeps in the data directory that backups go to this one, unless that is known already.
 * ERR_STORAGE_FULL, ERR_IO: then nothing has changed. */
MUST_USE int backup_directory_remember(const char *folder, const char *data,
                                       const char identity[STORE_IDENTITY_BYTES], struct err *err);

#endif

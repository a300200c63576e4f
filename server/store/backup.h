/* Backups: copies of the database that are taken while a server may run, and their way back.
 *
 * A backup is one file, whole, checked and on disk before it has its name, and FILE.json beside it,
 * its manifest, which says what is in it. Logs of trials, uploaded checkpoints and the files of
 * tokens are no part of it. No connection of a store is needed, and none of the writer's is used.
 * Any thread. */
#ifndef SERVER_STORE_BACKUP_H
#define SERVER_STORE_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "server/store/hwm.h"

struct backup {
    struct hwm mark; /* up to where */
    int64_t version; /* of the schema */
    int64_t bytes;
    unsigned char sha256[32];
    char kept[64]; /* by a restore: the folder with what was there before; "": nothing was */
};

struct backup_order {
    const char *directory; /* the data directory */
    const char *file;
    bool (*is_over)(void *context); /* is it to be given up? asked often; NULL: never */
    void *context;
};

/* Copies the database of a data directory to a file; neither that nor its manifest may exist. Reads
 * only, and never checkpoints; writes of the server go on meanwhile and are not in it. Costs a read
 * and a write of the whole database, and a check of the copy. ERR_WRONG_STATE: the file would be in
 * the directory that backups go to, and its file system is not mounted (backup_directory.h);
 * ERR_INVALID: one of them exists, or the folder does not; ERR_OVERLOADED: another backup is
 * writing them, or it was given up; ERR_STORAGE_FULL: there is no room, which is looked at first;
 * ERR_IO with what is wrong: there is no database, or it is damaged. */
MUST_USE int store_backup_make(const struct backup_order *order, struct backup *made,
                               struct err *err);
/* Removes from a folder what backups that were cut short left there, NAME.db.new and what belongs
 * to it, unless it is being written. Returns how many; 0 where the folder cannot be read. */
size_t store_backup_remove_left(const char *folder);
/* Is the file a whole and sound database of honed, and the one that its manifest names, if there is
 * one? ERR_INVALID: it is part of a database, whose log lies beside it; ERR_IO with what was found:
 * a schema that is newer than this program, too. */
MUST_USE int store_backup_verify(const char *file, struct backup *found, struct err *err);
/* Verifies, then puts a copy in the place of the database of a locked data directory, which is kept
 * in a folder there, and begins an epoch: the leases of before hold no more. May be repeated after
 * it was cut short. The errors of both above. */
MUST_USE int store_backup_restore(const char *file, const char *directory, struct backup *restored,
                                  struct err *err);

#endif

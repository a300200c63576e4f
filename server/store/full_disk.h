/* A disk is full in more ways than SQLite knows.
 *
 * It takes ENOSPC for a full disk and every other failed write for a broken one. A quota (EDQUOT)
 * and a limit on the size of files (EFBIG, as ulimit -f sets it) are no fault of the disk either:
 * the transaction is undone, reading goes on, and writing too once there is space again. */
#ifndef SERVER_STORE_FULL_DISK_H
#define SERVER_STORE_FULL_DISK_H

#include <stdbool.h>

/* Does this errno say that there is no space, now or for this user? */
bool full_disk_is(int number);

/* From now on SQLite takes them for a full disk. Before the first database is opened; any thread,
 * any number of times. */
void full_disk_recognise(void);

#endif

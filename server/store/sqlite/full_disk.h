/* Makes SQLite recognise every error that means a full disk (errno_is_full_disk). By itself it
 * takes ENOSPC for a full disk and every other failed write for a broken one. */
#ifndef SERVER_STORE_SQLITE_FULL_DISK_H
#define SERVER_STORE_SQLITE_FULL_DISK_H

/* From now on SQLite takes them for a full disk. Before the first database is opened; any thread,
 * any number of times. */
void full_disk_recognise(void);

#endif

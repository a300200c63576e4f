/* An SQLite file system before the machine's own, which asks before each call that changes a file.
 * Every call goes on to the machine's file system but syncs, which do nothing: it keeps its power,
 * and the tests need not wait for its disk. */
#ifndef TESTS_SUPPORT_DISK_LAYER_H
#define TESTS_SUPPORT_DISK_LAYER_H

#include <sqlite3.h>

enum disk_call_kind { DISK_OPEN, DISK_WRITE, DISK_TRUNCATE, DISK_SYNC, DISK_DELETE };

struct disk_call {
    enum disk_call_kind kind;
    const char *name;  /* the last part of the file's path */
    const void *bytes; /* write */
    int len;           /* write */
    sqlite3_int64 at;  /* write: the place; truncate: the new size */
};

/* SQLITE_OK: the call goes on; anything else is what it returns instead. Any thread. */
typedef int disk_hook(const struct disk_call *call);

/* Once, before the first database is opened: every database of the process lies there. */
void disk_layer_start(disk_hook *hook);

#endif

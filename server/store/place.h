/* The files that a server has open are those that its data directory has: seen by their inodes, so
 * that a directory that was removed, moved or put back from elsewhere while the server runs is
 * noticed. What is written to files without a name is gone when the server ends. Any thread. */
#ifndef SERVER_STORE_PLACE_H
#define SERVER_STORE_PLACE_H

#include <sys/types.h>

#include "common/err.h"

#define PLACE_FILES 4

struct place {
    struct {
        dev_t device;
        ino_t inode;
    } files[PLACE_FILES];
};

/* Notes what is there now, right after a store was opened. ERR_IO: something is missing. */
MUST_USE int place_note(const char *directory, struct place *place, struct err *err);
/* ERR_IO: names what was removed or replaced since. A look at each file. */
MUST_USE int place_check(const char *directory, const struct place *place, struct err *err);

#endif

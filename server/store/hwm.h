/* The high-water mark: a file `hwm` beside the database that says how much of it is known to be on
 * disk. A database that ends before its mark has lost acknowledged writes: its log was deleted or
 * damaged, or an older copy was put in its place. No check of the database alone can tell that.
 *
 * The file has two lines of text of 512 bytes, written in turn and synced, so that a write that is
 * torn leaves the other one. It never runs ahead of the disk, and lags behind by as long as its
 * writer lets it: a loss of what came later is not noticed.
 *
 * Nothing here allocates. One thread at a time for each hwm_file. */
#ifndef SERVER_STORE_HWM_H
#define SERVER_STORE_HWM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

#define STORE_IDENTITY_BYTES 33 /* 32 hexadecimal digits and a zero */

/* A point in the life of a database. */
struct hwm {
    char identity[STORE_IDENTITY_BYTES]; /* of the database; "": unknown */
    int64_t epoch;                       /* from 1; one more each time writes were given up */
    int64_t commit;                      /* groups of writes up to here */
};

struct hwm_file {
    int fd;   /* -1: none */
    int next; /* the line that is written next */
};

/* *found ← whether the directory has one, known also after an error: ERR_IO, it cannot be read, as
 * for want of rights (*found is false; the other codes of err_code_of_errno(), too), or neither
 * line is whole (*found is true). */
MUST_USE int hwm_read(const char *directory, struct hwm *mark, bool *found, struct err *err);
/* Writes the file anew, whole or not at all, and keeps it open; the errors of hwm_write(). */
MUST_USE int hwm_open(const char *directory, const struct hwm *mark, struct hwm_file *file,
                      struct err *err);
/* Writes the next line; on disk when this returns. One write and one sync. ERR_STORAGE_FULL,
 * ERR_IO. */
MUST_USE int hwm_write(struct hwm_file *file, const struct hwm *mark, struct err *err);
/* Accepts one that was never opened (fd -1). */
void hwm_close(struct hwm_file *file);

#endif

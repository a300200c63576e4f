/* Small texts in a tar file, by libarchive: written as ustar, read in whatever form tar(1) makes,
 * compressed by a method for which no other program is started. Nothing is unpacked to a disk. */
#ifndef WORKER_BUNDLE_TAR_H
#define WORKER_BUNDLE_TAR_H

#include <stddef.h>

#include "common/err.h"
#include "common/own.h"

#define TAR_TEXT_BYTES ((size_t)64 << 20) /* the largest text that is read */

struct tar_writer;

/* Makes the file, 0600. ERR_IO: it exists, or cannot be made; ERR_NOMEM. */
MUST_USE int tar_create(const char *path, struct tar_writer **tar, struct err *err);
MUST_USE int tar_add(struct tar_writer *tar, const char *name, const char *text, size_t len,
                     struct err *err);
/* Writes what is left and syncs it to the disk. */
MUST_USE int tar_close(struct tar_writer *tar, struct err *err);
void tar_writer_destroy(struct tar_writer *tar);
OWN_POINTER(tar_writer)

/* Calls `each` for every regular file in it whose name ends with `suffix`; `text` ends with a NUL
 * and is borrowed. ERR_IO: not to be read as a tar file, or damaged; ERR_TOO_LARGE; what `each`
 * returns. */
MUST_USE int tar_each(const char *path, const char *suffix,
                      int (*each)(void *context, const char *name, const char *text, size_t len,
                                  struct err *err),
                      void *context, struct err *err);

#endif

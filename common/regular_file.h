/* Opening a file that was named by a person: a setting, a certificate, a manifest. Any thread. */
#ifndef COMMON_REGULAR_FILE_H
#define COMMON_REGULAR_FILE_H

#include <stdio.h>

#include "common/err.h"

/* *fd ← the file, for reading. Neither opening nor reading blocks: a FIFO without a writer would.
 * The errors of err_code_of_errno(); ERR_IO: it is a directory, a FIFO, a socket or a device. */
MUST_USE int regular_file_open(const char *path, int *fd, struct err *err);
/* The same as a stream: fclose() it. ERR_NOMEM, too. */
MUST_USE int regular_file_stream(const char *path, FILE **stream, struct err *err);

#endif

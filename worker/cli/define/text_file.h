/* A whole file that a person named on the command line. */
#ifndef WORKER_CLI_DEFINE_TEXT_FILE_H
#define WORKER_CLI_DEFINE_TEXT_FILE_H

#include "common/buf.h"
#include "common/err.h"

/* Appends the file, "-" is standard input, to a text that the caller has initialised with its
 * limit. ERR_INVALID when it cannot be read or is larger; ERR_NOMEM. */
MUST_USE int text_file_read(const char *path, struct buf *text, struct err *err);
/* How a message calls it. */
const char *text_file_name(const char *path);

#endif

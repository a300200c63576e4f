/* The last lines of output of a job that failed. */
#ifndef WORKER_CLI_SHOW_TAIL_H
#define WORKER_CLI_SHOW_TAIL_H

#include <stddef.h>

#include "common/buf.h"

/* Appends the last `n_lines` lines of the file, each behind `prefix`, cleaned and cut to 200
 * columns. Nothing when the file cannot be read. */
void tail_append(struct buf *out, const char *path, size_t n_lines, const char *prefix);

#endif

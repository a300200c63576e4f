/* Runs a program of the batch system and collects what it prints. */
#ifndef WORKER_CLI_SUBMIT_PROGRAM_H
#define WORKER_CLI_SUBMIT_PROGRAM_H

#include "common/buf.h"
#include "common/err.h"

/* argv[0] is looked for along PATH and reads `input` (NULL: nothing). `out`, which the caller has
 * initialised, gets what it writes to standard output. ERR_NOT_FOUND: there is no such program.
 * ERR_IO with what it said: it failed, or did not end within a minute and was killed. */
MUST_USE int program_run(const char *const argv[], const char *input, struct buf *out,
                         struct err *err);

#endif

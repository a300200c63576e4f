/* What another program prints: it runs in a child for a limited time, because one that asks a
 * driver or a controller may hang. */
#ifndef WORKER_AGENT_PROGRAM_OUTPUT_H
#define WORKER_AGENT_PROGRAM_OUTPUT_H

#include <stdint.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"

/* Runs argv[0], found by PATH, with nothing to read, and appends what it prints to *out, as much as
 * that takes. `argv` ends with NULL. ERR_NOMEM; ERR_IO: it cannot be started, ended with another
 * status than 0, or did not end within `limit_ms`; then it and its process group are killed. */
MUST_USE int program_output(const char *const argv[], int64_t limit_ms, const struct clock *clock,
                            struct buf *out, struct err *err);

#endif

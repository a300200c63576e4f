/* What another program prints: it runs in a child for a limited time, because one that asks a
 * driver or a controller may hang. Blocks; any thread. */
#ifndef COMMON_PROGRAM_H
#define COMMON_PROGRAM_H

#include <stdint.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"

struct program_call {
    const char *const *argv; /* argv[0] is found by PATH; ends with NULL */
    const char *input;       /* what it reads; NULL: nothing */
    int64_t limit_ms;
    struct buf *errors; /* gets what it writes to standard error; NULL: that is thrown away */
};

/* Appends what the program prints to *out, as much as that takes. ERR_NOT_FOUND: there is none of
 * this name. ERR_IO: it cannot be started, ended with another status than 0, or did not end within
 * the limit; then it and its process group are killed. */
MUST_USE int program_run(const struct program_call *call, const struct clock *clock,
                         struct buf *out, struct err *err);

#endif

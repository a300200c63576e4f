/* Descriptors 0, 1 and 2 of a process that may have been started without them. */
#ifndef COMMON_STANDARD_STREAMS_H
#define COMMON_STANDARD_STREAMS_H

#include "common/err.h"

/* Opens /dev/null on each of 0, 1 and 2 that is closed. Otherwise the next file that is opened, the
 * database say, would get the number, and what is printed would be written into it. To be called
 * first in main(), before anything opens a file or starts a thread.
 *
 * Reading from such a descriptor and writing to it fail with EBADF, as on a closed one: a program
 * whose output is lost must not report success. Returns 0, or -1 with errno where /dev/null cannot
 * be opened; to go on is not safe then. */
MUST_USE int standard_streams_hold(void);

#endif

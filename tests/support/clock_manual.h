/* A clock that stands still until it is set, so that tests are deterministic. One thread at a time.
 */
#ifndef TESTS_SUPPORT_CLOCK_MANUAL_H
#define TESTS_SUPPORT_CLOCK_MANUAL_H

#include "common/clock.h"

/* Monotonic time is `now_ms`, wall time is now_ms + wall_offset_ms. */
struct clock_manual {
    struct clock clock; /* first, so that &manual.clock is the clock */
    int64_t now_ms;
    int64_t wall_offset_ms;
};

void clock_manual_init(struct clock_manual *manual, int64_t now_ms, int64_t wall_offset_ms);

#endif

/* The system's clock, ahead by so much. Any thread reads it while another one sets it. */
#ifndef TESTS_SUPPORT_CLOCK_AHEAD_H
#define TESTS_SUPPORT_CLOCK_AHEAD_H

#include <stdatomic.h>

#include "common/clock.h"

struct clock_ahead {
    struct clock clock; /* first, so that &ahead.clock is the clock */
    _Atomic int64_t by_ms;
};

/* Not ahead yet. */
void clock_ahead_init(struct clock_ahead *ahead);

#endif

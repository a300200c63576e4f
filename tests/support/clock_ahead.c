#include "tests/support/clock_ahead.h"

static int64_t by_ms(const struct clock *clock)
{
    return atomic_load(&((const struct clock_ahead *)clock)->by_ms);
}

static int64_t ahead_monotonic(const struct clock *clock)
{
    return clock_system()->monotonic_ms(clock_system()) + by_ms(clock);
}

static int64_t ahead_wall(const struct clock *clock)
{
    return clock_system()->wall_ms(clock_system()) + by_ms(clock);
}

void clock_ahead_init(struct clock_ahead *ahead)
{
    ahead->clock = (struct clock){ahead_monotonic, ahead_wall};
    atomic_init(&ahead->by_ms, 0);
}

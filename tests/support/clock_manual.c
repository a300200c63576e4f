#include "tests/support/clock_manual.h"

static int64_t manual_monotonic(const struct clock *clock)
{
    return ((const struct clock_manual *)clock)->now_ms;
}

static int64_t manual_wall(const struct clock *clock)
{
    const struct clock_manual *manual = (const struct clock_manual *)clock;

    return manual->now_ms + manual->wall_offset_ms;
}

void clock_manual_init(struct clock_manual *manual, int64_t now_ms, int64_t wall_offset_ms)
{
    manual->clock = (struct clock){manual_monotonic, manual_wall};
    manual->now_ms = now_ms;
    manual->wall_offset_ms = wall_offset_ms;
}

#include "common/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_monotonic_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t system_monotonic(const struct clock *clock)
{
    (void)clock;
    return read_ms(CLOCK_MONOTONIC);
}

static int64_t system_wall(const struct clock *clock)
{
    (void)clock;
    return read_ms(CLOCK_REALTIME);
}

const struct clock *clock_system(void)
{
    static const struct clock system = {system_monotonic, system_wall};

    return &system;
}

static int64_t scaled_ms(int64_t now_ms, int64_t base_ms, double scale)
{
    return base_ms + (int64_t)((double)(now_ms - base_ms) * scale);
}

static int64_t scaled_monotonic(const struct clock *clock)
{
    const struct clock_scaled *scaled = (const struct clock_scaled *)clock;

    return scaled_ms(read_ms(CLOCK_MONOTONIC), scaled->monotonic_base_ms, scaled->scale);
}

static int64_t scaled_wall(const struct clock *clock)
{
    const struct clock_scaled *scaled = (const struct clock_scaled *)clock;

    return scaled_ms(read_ms(CLOCK_REALTIME), scaled->wall_base_ms, scaled->scale);
}

void clock_scaled_init(struct clock_scaled *scaled, double scale)
{
    scaled->clock = (struct clock){scaled_monotonic, scaled_wall};
    scaled->scale = scale;
    scaled->monotonic_base_ms = read_ms(CLOCK_MONOTONIC);
    scaled->wall_base_ms = read_ms(CLOCK_REALTIME);
}

const char *clock_format(int64_t wall_ms, char text[CLOCK_TEXT_BYTES])
{
    int64_t seconds = wall_ms / 1000;
    int64_t rest = wall_ms % 1000;

    if (rest < 0) {
        rest += 1000;
        seconds--;
    }
    time_t moment = (time_t)seconds;
    struct tm utc = {0};
    (void)gmtime_r(&moment, &utc);
    size_t len = strftime(text, CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text + len, CLOCK_TEXT_BYTES - len, ".%03dZ", (int)rest);
    return text;
}

/* Time, passed in. time() and friends appear in clock.c only.
 *
 * `monotonic_ms` never goes back and is what deadlines are measured by; `wall_ms` is milliseconds
 * since 1970 in UTC, for people and for the database. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*monotonic_ms)(const struct clock *clock);
    int64_t (*wall_ms)(const struct clock *clock);
};

/* The machine's own; safe from any thread. */
const struct clock *clock_system(void);

/* Microseconds of the machine's own monotonic clock: for measuring, not for deciding. */
int64_t clock_monotonic_us(void);

/* The machine's clock, running `scale` times as fast since its start: for tests of a whole server.
 */
struct clock_scaled {
    struct clock clock;
    double scale;
    int64_t monotonic_base_ms, wall_base_ms;
};

/* Begins at the present time of the machine; scale > 0. */
void clock_scaled_init(struct clock_scaled *scaled, double scale);

/* "2026-11-24T21:32:37.123Z": RFC 3339, UTC, milliseconds. Needs CLOCK_TEXT_BYTES. */
#define CLOCK_TEXT_BYTES 32
/* Returns `text`, filled. */
const char *clock_format(int64_t wall_ms, char text[CLOCK_TEXT_BYTES]);

#endif

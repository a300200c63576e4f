#include "worker/cli/show/rate.h"

#include <math.h>
#include <string.h>

enum { RATE_WINDOW_MS = 300000, RATE_TRIALS_MIN = 3 };

void rate_add(struct rate *rate, int64_t now_ms, int64_t done)
{
    size_t old = 0;

    while (old < rate->n && rate->samples[old].at_ms < now_ms - RATE_WINDOW_MS) {
        old++;
    }
    if (rate->n - old == RATE_SAMPLES) { /* every other one keeps the window's length */
        for (size_t i = 0; i < RATE_SAMPLES / 2; i++) {
            rate->samples[i] = rate->samples[2 * i];
        }
        rate->n = RATE_SAMPLES / 2;
    } else if (old > 0) {
        memmove(rate->samples, rate->samples + old, (rate->n - old) * sizeof rate->samples[0]);
        rate->n -= old;
    }
    rate->samples[rate->n].at_ms = now_ms;
    rate->samples[rate->n].done = done;
    rate->n++;
}

double rate_per_minute(const struct rate *rate)
{
    if (rate->n < 2) {
        return (double)NAN;
    }
    int64_t done = rate->samples[rate->n - 1].done - rate->samples[0].done;
    int64_t span_ms = rate->samples[rate->n - 1].at_ms - rate->samples[0].at_ms;

    return done >= RATE_TRIALS_MIN && span_ms > 0 ? 60000.0 * (double)done / (double)span_ms
                                                  : (double)NAN;
}

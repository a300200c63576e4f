#include "worker/agent/backoff.h"

int64_t backoff_next(struct backoff *backoff, struct rng *rng, double at_least_seconds)
{
    int64_t bound_ms = 120 * backoff->base_ms;
    double least = at_least_seconds > 3600 ? 3600 : at_least_seconds > 0 ? at_least_seconds : 0;

    if (backoff->failures < 7 && backoff->base_ms << backoff->failures < bound_ms) {
        bound_ms = backoff->base_ms << backoff->failures;
    }
    backoff->failures++;
    return (int64_t)(least * 1000) + (int64_t)rng_below(rng, (uint64_t)bound_ms + 1);
}

void backoff_reset(struct backoff *backoff)
{
    backoff->failures = 0;
}

#include "worker/agent/quick_failures.h"

#define MOST_TIMES 300

int64_t quick_failures_note(struct quick_failures *failures, bool failed, int64_t ran_ms,
                            struct rng *rng)
{
    int64_t wait_ms = failures->base_ms;

    if (!failed || ran_ms >= QUICK_FAILURE_MS) {
        failures->in_row = 0;
        return 0;
    }
    failures->in_row++;
    if (failures->in_row < QUICK_FAILURES_TO_WAIT) {
        return 0;
    }
    for (unsigned i = QUICK_FAILURES_TO_WAIT;
         i < failures->in_row && wait_ms < MOST_TIMES * failures->base_ms; i++) {
        wait_ms *= 2;
    }
    if (wait_ms > MOST_TIMES * failures->base_ms) {
        wait_ms = MOST_TIMES * failures->base_ms;
    }
    return wait_ms / 2 + (int64_t)rng_below(rng, (uint64_t)(wait_ms - wait_ms / 2) + 1);
}

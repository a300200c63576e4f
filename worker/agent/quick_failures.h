/* Jobs of a slot that fail at once, one after the other: most likely something is wrong with this
 * machine, so the slot waits before it asks for the next trial, longer each time. */
#ifndef WORKER_AGENT_QUICK_FAILURES_H
#define WORKER_AGENT_QUICK_FAILURES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/rng.h"

/* A job that ends within this time has failed at once. */
#define QUICK_FAILURE_MS 10000
/* So many in a row, and the slot begins to wait. */
#define QUICK_FAILURES_TO_WAIT 3
#define QUICK_FAILURES_WAIT_MS 1000 /* at first */

struct quick_failures {
    int64_t base_ms; /* the first wait; it doubles up to 300 times that */
    unsigned in_row;
};

/* A job has ended after so long. Returns how long to wait before the next ask: 0, or between half
 * of the wait that is due and all of it. */
int64_t quick_failures_note(struct quick_failures *failures, bool failed, int64_t ran_ms,
                            struct rng *rng);

#endif

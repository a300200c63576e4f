/* How long to wait before trying again: uniform between nothing and a bound that doubles from
 * `base_ms` to 120 times that (full jitter), and never less than the server asked for. */
#ifndef WORKER_AGENT_BACKOFF_H
#define WORKER_AGENT_BACKOFF_H

#include <stdint.h>

#include "common/rng.h"

struct backoff {
    int64_t base_ms;
    unsigned failures;
};

/* The next wait. `at_least_seconds`: Retry-After, negative if not said; up to an hour is honoured,
 * plus the jitter, so that a whole cluster does not come back in one moment. */
int64_t backoff_next(struct backoff *backoff, struct rng *rng, double at_least_seconds);
/* The next wait begins at base_ms again. */
void backoff_reset(struct backoff *backoff);

#endif

/* A network between workers and the server that loses, delays and repeats messages. */
#ifndef TESTS_SIM_COMMON_NETWORK_H
#define TESTS_SIM_COMMON_NETWORK_H

#include "tests/sim/common/chance.h"

/* How many of 1000 messages … */
struct network {
    unsigned lost;          /* … never arrive */
    unsigned slow;          /* … take `slow_ms` instead of `usual_ms` */
    unsigned repeated;      /* … arrive twice in a row */
    unsigned repeated_late; /* … are sent once more, `late_ms` after the first time */
    struct span usual_ms, slow_ms, late_ms;
};

bool network_loses(const struct network *network, struct rng *rng);
int64_t network_latency_ms(const struct network *network, struct rng *rng);
bool network_repeats(const struct network *network, struct rng *rng);
/* *after_ms is written only where the answer is true. */
bool network_repeats_late(const struct network *network, struct rng *rng, int64_t *after_ms);

#endif

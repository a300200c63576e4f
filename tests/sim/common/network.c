#include "tests/sim/common/network.h"

bool network_loses(const struct network *network, struct rng *rng)
{
    return chance_happens(rng, network->lost);
}

int64_t network_latency_ms(const struct network *network, struct rng *rng)
{
    return chance_within(rng,
                         chance_happens(rng, network->slow) ? network->slow_ms : network->usual_ms);
}

bool network_repeats(const struct network *network, struct rng *rng)
{
    return chance_happens(rng, network->repeated);
}

bool network_repeats_late(const struct network *network, struct rng *rng, int64_t *after_ms)
{
    bool repeats = chance_happens(rng, network->repeated_late);

    if (repeats) {
        *after_ms = chance_within(rng, network->late_ms);
    }
    return repeats;
}

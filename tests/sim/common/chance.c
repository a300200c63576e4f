#include "tests/sim/common/chance.h"

bool chance_happens(struct rng *rng, unsigned of_1000)
{
    return of_1000 > 0 && rng_below(rng, 1000) < of_1000;
}

int64_t chance_between(struct rng *rng, int64_t low, int64_t high)
{
    return low == high ? low : low + (int64_t)rng_below(rng, (uint64_t)(high - low + 1));
}

int64_t chance_within(struct rng *rng, struct span span)
{
    return chance_between(rng, span.low, span.high);
}

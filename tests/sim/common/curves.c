#include "tests/sim/common/curves.h"

#include <math.h>

#include "tests/sim/common/chance.h"

/* The key of a trial's numbers. */
static uint64_t key_of(const struct curves *curves, int64_t trial)
{
    return splitmix64(curves->seed) + (uint64_t)trial * 1000003;
}

/* The number `which` of a trial, in [0, 1). */
static double number(uint64_t key, uint64_t which)
{
    return (double)(splitmix64(key * 0x9e37 + which) >> 11) * 0x1p-53;
}

bool curves_is_broken(const struct curves *curves, int64_t trial, int64_t step)
{
    uint64_t key = key_of(curves, trial);

    return number(key, 3) * 1000 < curves->broken && step >= (int64_t)(1 + 8 * number(key, 4));
}

double curves_value(const struct curves *curves, int64_t trial, int64_t step)
{
    uint64_t key = key_of(curves, trial);
    double loss = number(key, 1) + (0.5 + number(key, 2)) / sqrt((double)step)
                  + 0.05 * number(key, 100 + (uint64_t)step);

    return curves_is_broken(curves, trial, step) ? (double)NAN : loss;
}

double curves_forecast(const struct curves *curves, int64_t trial, int64_t step)
{
    return number(key_of(curves, trial), 5000 + (uint64_t)step) / 2;
}

double curves_draw(struct rng *rng)
{
    return (double)chance_between(rng, 1, 999) / 1000;
}

/* Random draws of the simulators. All come from a stream that is passed in, so that a seed gives
 * the same run every time; what needs no draw takes none from the stream. */
#ifndef TESTS_SIM_COMMON_CHANCE_H
#define TESTS_SIM_COMMON_CHANCE_H

#include <stdbool.h>

#include "common/rng.h"

/* Both ends included, in milliseconds or whatever the member's name says. */
struct span {
    int64_t low, high;
};

/* True `of_1000` times in 1000. 0: never, without a draw. */
bool chance_happens(struct rng *rng, unsigned of_1000);
/* Uniform between `low` and `high`, both included; without a draw where they are equal. */
int64_t chance_between(struct rng *rng, int64_t low, int64_t high);
int64_t chance_within(struct rng *rng, struct span span);

#endif

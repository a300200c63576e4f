/* random: independent draws of every parameter, on its own scale. The baseline that every other
 * strategy is compared with. */
#include "server/strategy/strategies.h"

#include "common/rng.h"

static void check(const struct study_def *study, struct faults *faults)
{
    strategy_refuse_options(study, faults);
}

static uint64_t count(const struct study_def *study)
{
    (void)study;
    return UINT64_MAX; /* it draws with replacement */
}

static int suggest(const struct study_def *study, const struct history *seen, uint64_t ordinal,
                   struct suggestion *out, struct err *err)
{
    struct rng rng = rng_for(study->seed, ordinal);

    (void)seen;
    return space_sample(study->space, &rng, out->config, err);
}

const struct strategy strategy_random = {
    .name = "random",
    .multi_objective = true,
    .is_search = true,
    .check = check,
    .count = count,
    .suggest = suggest,
};

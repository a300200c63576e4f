/* quasirandom: the scrambled Sobol sequence, which covers the space evenly from the beginning. The
 * index is ordinal - 1, so that the points do not depend on the number of workers. Parameters
 * beyond the 256th are drawn at random. */
#include "server/strategy/sobol/quasirandom.h"

#include <inttypes.h>

#include "common/rng.h"
#include "server/strategy/sobol/sobol.h"
#include "server/strategy/strategies.h"

#define SCRAMBLES 64

/* Keys of the scrambles, separate from the random streams of the ordinals. */
static uint64_t scramble_key(uint64_t seed, uint64_t attempt)
{
    uint64_t key = rng_key(splitmix64(seed ^ UINT64_C(0x736f626f6c)), attempt);

    return key != 0 ? key : 1;
}

/* The point of one scramble as a configuration. */
static void point(const struct space *space, uint64_t index, uint64_t key, double x[])
{
    double u[SPACE_PARAMS_MAX];
    size_t dims = 0;

    for (size_t i = 0; i < space->n_params; i++) {
        dims += space->params[i].type != PARAM_CONSTANT ? 1 : 0;
    }
    sobol_point(dims < SOBOL_DIMS_MAX ? dims : SOBOL_DIMS_MAX, index, key, u);
    struct rng rng = rng_for(key, index);
    for (size_t dim = SOBOL_DIMS_MAX; dim < dims; dim++) { /* the sequence has no more */
        u[dim] = rng_uniform(&rng);
    }
    /* backwards, so that u can be expanded in place */
    for (size_t i = space->n_params; i-- > 0;) {
        u[i] = space->params[i].type != PARAM_CONSTANT ? u[--dims] : 0.5;
    }
    space_decode(space, u, x);
}

int strategy_quasi_random(const struct study_def *study, uint64_t ordinal, double x[],
                          struct err *err)
{
    const struct space *space = study->space;

    for (uint64_t attempt = 0; attempt < SCRAMBLES; attempt++) {
        point(space, ordinal - 1, scramble_key(study->seed, attempt), x);
        if (space_satisfies(space, x)) {
            return 0;
        }
    }
    struct rng rng = rng_for(study->seed, ordinal);
    return space_sample(space, &rng, x, err);
}

static void check(const struct study_def *study, struct faults *faults)
{
    strategy_refuse_options(study, faults);
}

static uint64_t count(const struct study_def *study)
{
    (void)study;
    return UINT64_MAX;
}

static int suggest(const struct study_def *study, const struct history *seen, uint64_t ordinal,
                   struct suggestion *out, struct err *err)
{
    (void)seen;
    return strategy_quasi_random(study, ordinal, out->config, err);
}

static const char *describe(const json_t *explain, uint64_t ordinal, struct buf *text)
{
    (void)explain;
    buf_printf(text, "point %" PRIu64 " of a sequence that fills the space evenly", ordinal);
    return "quasirandom";
}

const struct strategy strategy_quasirandom = {
    .name = "quasirandom",
    .multi_objective = true,
    .is_search = true,
    .check = check,
    .count = count,
    .suggest = suggest,
    .describe = describe,
};

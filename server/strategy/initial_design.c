#include "server/strategy/initial_design.h"

#include <math.h>
#include <stdlib.h>

#include "common/rng.h"
#include "server/strategy/candidates.h"
#include "server/strategy/gp/acquisition_search.h"
#include "server/strategy/sobol/sobol.h"

enum {
    RANDOM_TRIES = 2000,
    ENUMERATE_MAX = 1 << 20 /* a finite space this small is searched for what is left */
};

uint64_t design_size(const struct study_def *study)
{
    uint64_t d = 0;

    for (size_t i = 0; i < study->space->n_params; i++) {
        d += study->space->params[i].n_cells != 1;
    }
    bool may_stop = trials_may_stop(study);
    uint64_t size = may_stop ? d + 1 : (d + 1) / 2 + 1;
    uint64_t least = may_stop ? 6 : 4;
    size = size < least ? least : size > 10 ? 10 : size;
    if (study->limits.trials > 0) {
        uint64_t quarter = ((uint64_t)study->limits.trials + 3) / 4;
        size = size < quarter ? size : quarter < 3 ? 3 : quarter;
    }
    return size;
}

static bool is_new(const struct trials *trials, const struct space *space, const double x[])
{
    return space_satisfies(space, x) && !trials_have(trials, space_config_key(space, x));
}

static bool skip_tried(const void *context, const double x[])
{
    const void *const *both = context;
    const struct trials *trials = both[0];

    return !is_new(trials, both[1], x);
}

/* Numbers in the middle, categories by chance, and what has a default at its default. */
static void centre(const struct axes *axes, struct rng *rng, double place[])
{
    const struct space *space = axes->space;

    for (size_t i = 0; i < space->n_params; i++) {
        double u = rng_uniform(rng);
        const struct param *param = &space->params[i];
        place[i] = param->has_default ? param_encode(param, param->default_value)
                   : axes->is_cat[i]  ? u
                                      : 0.5;
    }
}

static bool has_defaults(const struct space *space)
{
    for (size_t i = 0; i < space->n_params; i++) {
        if (space->params[i].has_default) {
            return true;
        }
    }
    return false;
}

/* Something that is left in a finite space, or ERR_EXHAUSTED. */
static int any_left(const struct axes *axes, const struct trials *trials, struct rng *rng,
                    double x[], struct err *err)
{
    OWN(pool) struct pool pool = {0};
    const void *context[] = {trials, axes->space};

    if (!(axes->cells_total <= (double)ENUMERATE_MAX)) {
        return err_set(err, ERR_EXHAUSTED,
                       "no untried configuration was found among %d random ones", RANDOM_TRIES);
    }
    TRY(search_enumerate(axes, skip_tried, context, &pool, err));
    if (pool.n == 0) {
        return err_set(err, ERR_EXHAUSTED, "every configuration of the space has been tried");
    }
    const double *chosen = pool_x(&pool, rng_below(rng, pool.n));
    for (size_t i = 0; i < axes->space->n_params; i++) {
        x[i] = chosen[i];
    }
    return 0;
}

int design_point(const struct study_def *study, const struct axes *axes,
                 const struct trials *trials, uint64_t ordinal, double x[], struct err *err)
{
    const struct space *space = study->space;
    struct rng rng = rng_for(study->seed, ordinal);
    OWN(memory) double *place = calloc(space->n_params + 1, sizeof *place);

    if (place == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a configuration");
    }
    bool is_uniform = trials_may_stop(study);
    if (ordinal == 1 && (!is_uniform || has_defaults(space))) {
        centre(axes, &rng, place);
        space_decode(space, place, x);
        if (is_new(trials, space, x)) {
            return 0;
        }
    }
    if (!is_uniform && strategy_quasi_random(study, ordinal, x, err) == 0
        && is_new(trials, space, x)) {
        return 0;
    }
    for (int try = 0; try < RANDOM_TRIES; try++) {
        for (size_t i = 0; i < space->n_params; i++) {
            place[i] = rng_uniform(&rng);
        }
        space_decode(space, place, x);
        if (is_new(trials, space, x)) {
            return 0;
        }
    }
    return any_left(axes, trials, &rng, x, err);
}

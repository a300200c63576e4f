#include "server/strategy/initial_design.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "server/strategy/candidates.h"
#include "server/strategy/sobol/quasirandom.h"

enum {
    RANDOM_TRIES = 2000,
    ENUMERATE_MAX = 1 << 20 /* up to this size a finite space is enumerated at the end */
};

uint64_t initial_design_size(const struct study_def *study)
{
    uint64_t d = 0;

    for (size_t i = 0; i < study->space->n_params; i++) {
        d += study->space->params[i].n_cells != 1;
    }
    bool stops_early = study_stops_trials_early(study);
    uint64_t size = stops_early ? d + 1 : (d + 1) / 2 + 1;
    uint64_t least = stops_early ? 6 : 4;
    size = size < least ? least : size > 10 ? 10 : size;
    if (study->limits.trials > 0) {
        uint64_t quarter = ((uint64_t)study->limits.trials + 3) / 4;
        size = size < quarter ? size : quarter < 3 ? 3 : quarter;
    }
    return size;
}

static bool is_new(const struct study_data *data, const double config[])
{
    return space_satisfies(data->study->space, config) && !study_data_has_tried(data, config);
}

static bool is_not_new(const void *context, const double config[])
{
    const struct study_data *data = context;

    return !is_new(data, config);
}

/* u ← the defaults, else ½ for numbers and a random position for categories. */
static void centre(const struct encoding *encoding, struct rng *rng, double u[])
{
    const struct space *space = encoding->space;

    for (size_t i = 0; i < space->n_params; i++) {
        double random = rng_uniform(rng);
        const struct param *param = &space->params[i];
        u[i] = param->has_default    ? param_encode(param, param->default_value)
               : encoding->is_cat[i] ? random
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

/* config ← a random one of the untried configurations of a finite space. */
static int any_untried(const struct study_data *data, struct rng *rng, double config[],
                       struct err *err)
{
    OWN(candidates) struct candidates untried = {0};

    if (!(data->encoding.cells_total <= (double)ENUMERATE_MAX)) {
        return err_set(err, ERR_EXHAUSTED,
                       "no untried configuration was found among %d random ones", RANDOM_TRIES);
    }
    TRY(candidates_enumerate(&untried, &data->encoding, is_not_new, data, err));
    if (untried.n == 0) {
        return err_set(err, ERR_EXHAUSTED, "every configuration of the space has been tried");
    }
    memcpy(config, candidates_config(&untried, rng_below(rng, untried.n)),
           untried.n_params * sizeof *config);
    return 0;
}

int initial_design_point(const struct study_data *data, uint64_t ordinal, double config[],
                         struct err *err)
{
    const struct study_def *study = data->study;
    const struct space *space = study->space;
    struct rng rng = rng_for(study->seed, ordinal);
    OWN(memory) double *u = calloc(space->n_params + 1, sizeof *u);

    if (u == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a configuration");
    }
    bool is_uniform = study_stops_trials_early(study);
    if (ordinal == 1 && (!is_uniform || has_defaults(space))) {
        centre(&data->encoding, &rng, u);
        space_decode(space, u, config);
        if (is_new(data, config)) {
            return 0;
        }
    }
    if (!is_uniform && strategy_quasi_random(study, ordinal, config, err) == 0
        && is_new(data, config)) {
        return 0;
    }
    for (int try = 0; try < RANDOM_TRIES; try++) {
        for (size_t i = 0; i < space->n_params; i++) {
            u[i] = rng_uniform(&rng);
        }
        space_decode(space, u, config);
        if (is_new(data, config)) {
            return 0;
        }
    }
    return any_untried(data, &rng, config, err);
}

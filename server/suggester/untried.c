#include "server/suggester/untried.h"

#include <stdlib.h>

#include "common/rng.h"
#include "server/strategy/grid/grid.h"
#include "server/strategy/strategies.h"

enum {
    TRIES = 1000, /* ordinals in a row that bring only tried configurations */
    COUNTED_MAX = 1 << 20,
    COUNTED_CONSTRAINED_MAX = 1 << 17, /* all are visited */
    COUNTED_NODES_MAX = 1 << 26        /* of constraints, then: some 0.5 s */
};

/* Does a grid of the space hold each of its configurations? */
static bool grid_is_whole(const struct space *space)
{
    for (size_t i = 0; i < space->n_params; i++) {
        const struct param *param = &space->params[i];
        if (param->n_cells == 0 || (param->grid > 0 && param->grid < param->n_cells)) {
            return false;
        }
    }
    return true;
}

/* Can it be afforded to evaluate the constraints for each configuration? */
static bool may_visit_all(const struct study_def *study)
{
    uint64_t n = strategy_count_space(study);
    uint64_t n_nodes = space_constraint_nodes(study->space);

    return n <= COUNTED_CONSTRAINED_MAX && n * n_nodes <= COUNTED_NODES_MAX;
}

uint64_t untried_count_all(const struct study_def *study)
{
    const struct space *space = study->space;
    const struct search_grid *grid;
    struct err err = {0};

    if (!grid_is_whole(space) || (space->n_constraints > 0 && !may_visit_all(study))
        || grid_of(space, &grid, &err) != 0 || grid_count(grid) > COUNTED_MAX) {
        return UINT64_MAX;
    }
    return grid_count(grid);
}

bool untried_keeps(const struct strategy *strategy, const struct study_def *study,
                   uint64_t n_configurations, enum trial_source source)
{
    return strategy->enumerates ? source != SOURCE_SUGGESTED || study->recounted
                                : n_configurations != UINT64_MAX;
}

static bool is_tried(const struct untried *untried, const double config[])
{
    return config_set_contains(untried->tried, untried->study->space, config);
}

/* Almost everything is tried: looks through all configurations, from a random one on. */
static int look_through_all(const struct untried *untried, uint64_t ordinal, double config[],
                            struct err *err)
{
    struct rng rng = rng_for(untried->study->seed, ordinal);
    const struct search_grid *grid;

    TRY(grid_of(untried->study->space, &grid, err));
    uint64_t n = grid_count(grid);
    uint64_t from = rng_below(&rng, n);
    for (uint64_t i = 0; i < n; i++) {
        grid_point(grid, (from + i) % n, config);
        if (!is_tried(untried, config)) {
            return 0;
        }
    }
    return err_set(err, ERR_EXHAUSTED, "every configuration of the space has been tried");
}

int untried_suggest(const struct untried *untried, uint64_t *ordinal, struct suggestion *out,
                    struct err *err)
{
    static const struct history nothing;
    bool is_counted = untried->n_configurations != UINT64_MAX;

    if (is_counted && untried->tried->n >= untried->n_configurations) {
        return err_set(err, ERR_EXHAUSTED, "every configuration of the space has been tried");
    }
    uint64_t at = *ordinal;
    for (int i = 0; !is_counted || i < TRIES; i++) {
        TRY(untried->strategy->suggest(untried->study, &nothing, ++at, out, err));
        if (!is_tried(untried, out->config)) {
            *ordinal = at;
            return 0;
        }
        free(out->explain);
        out->explain = NULL;
    }
    TRY(look_through_all(untried, at, out->config, err));
    *ordinal = at;
    return 0;
}

/* grid: every point once, in a seeded order, so that a study that stops early has a representative
 * sample. The ordinal is mapped by a permutation that is computed, not stored. */
#include "server/strategy/grid/grid.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/rng.h"
#include "server/strategy/grid/grid_values.h"
#include "server/strategy/strategies.h"

#define ROUNDS 6

/* A Feistel network over the next even number of bits, repeated until the result is below n: a
 * permutation of 0 … n-1 (Black & Rogaway, Ciphers with arbitrary finite domains, 2002). At most
 * four rounds on average. */
static uint64_t permute(uint64_t n, uint64_t key, uint64_t index)
{
    int bits = n > 2 ? 64 - __builtin_clzll(n - 1) : 2;
    int half = (bits + 1) / 2;
    uint64_t mask = (UINT64_C(1) << half) - 1;

    do {
        uint64_t left = index >> half;
        uint64_t right = index & mask;
        for (uint64_t round = 0; round < ROUNDS; round++) {
            uint64_t mixed = left ^ (splitmix64(rng_key(key, round) ^ right) & mask);
            left = right;
            right = mixed;
        }
        index = (left << half) | right;
    } while (index >= n);
    return index;
}

/* Adds a fault for every parameter without a finite number of values, and for weights. */
static bool check_parameters(const struct study_def *study, struct faults *faults)
{
    size_t before = faults->total;
    char pointer[64];

    if (study->space->n_params > SPACE_GRID_PARAMS_MAX) {
        faults_add(faults, "/strategy", "a grid is laid over at most %d parameters, not %zu",
                   SPACE_GRID_PARAMS_MAX, study->space->n_params);
    }
    for (size_t i = 0; i < study->space->n_params; i++) {
        const struct param *param = &study->space->params[i];
        if (grid_param_size(param) == 0) {
            (void)snprintf(pointer, sizeof pointer, "/parameters/%zu/grid", i);
            faults_add(faults, pointer,
                       "%s is continuous, and a grid must know how many points to take: give "
                       "\"grid\", a step or values",
                       param->name);
        }
        if (param->weights != NULL) {
            (void)snprintf(pointer, sizeof pointer, "/parameters/%zu/weights", i);
            faults_add(faults, pointer,
                       "a grid takes every value of %s once, whatever its weight; leave the "
                       "weights out, or let random search draw by them",
                       param->name);
        }
    }
    return faults->total == before;
}

static void check_space(const struct study_def *study, struct faults *faults)
{
    const struct search_grid *grid;
    struct err err = {0};

    if (check_parameters(study, faults) && grid_of_new(study->space, &grid, &err) != 0) {
        faults_take(faults, "/strategy", &err);
    }
}

static void check(const struct study_def *study, struct faults *faults)
{
    strategy_refuse_options(study, faults);
    check_space(study, faults);
}

static uint64_t count(const struct study_def *study)
{
    const struct search_grid *grid;
    struct err err = {0};

    return grid_of(study->space, &grid, &err) == 0 ? grid_count(grid) : 0;
}

static int suggest(const struct study_def *study, const struct history *seen, uint64_t ordinal,
                   struct suggestion *out, struct err *err)
{
    const struct search_grid *grid;

    (void)seen;
    TRY(grid_of(study->space, &grid, err));
    uint64_t n = grid_count(grid);
    if (ordinal > n) {
        return err_set(err, ERR_EXHAUSTED, "all %" PRIu64 " points of the grid are handed out", n);
    }
    grid_point(grid, permute(n, study->seed, ordinal - 1), out->config);
    return 0;
}

static const char *describe(const json_t *explain, uint64_t ordinal, struct buf *text)
{
    (void)explain;
    buf_printf(text, "point %" PRIu64 " of the grid", ordinal);
    return "grid";
}

const struct strategy strategy_grid = {
    .name = "grid",
    .multi_objective = true,
    .enumerates = true,
    .is_search = true,
    .check = check,
    .check_space = check_space,
    .count = count,
    .suggest = suggest,
    .describe = describe,
};

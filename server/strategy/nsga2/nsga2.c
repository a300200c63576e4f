/* nsga2: the elitist genetic algorithm of Deb, Pratap, Agarwal and Meyarivan (2002), for several
 * objectives and many cheap trials.
 *
 * The parents of a configuration are drawn from the best of the population (population.h), as many
 * as three tenths of all results so far, until that is the whole population: each as the better one
 * of two drawn at random, in the order of objective_costs.h. Crossover and mutation make the child
 * (variation.h); one that was tried or violates a constraint of the space is made again. The first
 * suggestions are the points of the initial design. */
#include "server/strategy/strategies.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/stop.h"
#include "server/strategy/explanation.h"
#include "server/strategy/initial_design.h"
#include "server/strategy/nsga2/variation.h"
#include "server/strategy/population.h"

enum { POPULATION = 50, POPULATION_MIN = 4, POPULATION_MAX = 1000, DESIGN = 16, TRIES = 100 };

/* Parents are drawn from as many members as this share of the results so far. */
static const double parents_share = 0.3;

static bool is_own_study(const struct study_def *study)
{
    return strcmp(study_strategy(study), "nsga2") == 0;
}

static int64_t read_population(const struct study_def *study, struct faults *faults)
{
    struct fields fields;

    fields_begin(&fields, study_strategy_options(study), "/strategy", faults);
    (void)fields_any(&fields, "name");
    (void)fields_any(&fields, "serving"); /* the study's */
    int64_t population =
        fields_int(&fields, "population", POPULATION, POPULATION_MIN, POPULATION_MAX);
    fields_end(&fields);
    return population;
}

static void check(const struct study_def *study, struct faults *faults)
{
    if (is_own_study(study)) {
        (void)read_population(study, faults);
    }
}

static size_t population_size(const struct study_def *study)
{
    json_int_t said =
        is_own_study(study)
            ? json_integer_value(json_object_get(study_strategy_options(study), "population"))
            : 0;

    return said >= POPULATION_MIN ? (size_t)said : POPULATION;
}

static uint64_t design_size(const struct study_def *study)
{
    uint64_t least = initial_design_size(study);
    uint64_t quarter = study->limits.trials > 0 ? (uint64_t)study->limits.trials / 4 : DESIGN;

    return least > DESIGN || quarter < least ? least : quarter < DESIGN ? quarter : DESIGN;
}

/* One suggestion in progress. */
struct breeding {
    struct study_data data;
    struct rng rng;
    struct objective_costs costs;
    struct population population;
    size_t parents[2]; /* indices in the costs */
    struct variation variation;
};

static void breeding_finish(struct breeding *breeding)
{
    population_finish(&breeding->population);
    objective_costs_finish(&breeding->costs);
    study_data_finish(&breeding->data);
}
OWN_VALUE(breeding)

static const double *config_of(const struct breeding *b, size_t item)
{
    return b->data.evaluations.done[b->costs.done[item]];
}

/* How many members are parents: the best ones. */
static size_t n_parents(const struct breeding *b)
{
    size_t share = (size_t)ceil(parents_share * (double)b->costs.n);
    size_t n = share < POPULATION_MIN ? POPULATION_MIN : share;

    return n < b->population.n ? n : b->population.n;
}

/* The better one of two parents. They are sorted: the earlier one is. */
static size_t tournament(struct breeding *b)
{
    uint64_t first = rng_below(&b->rng, n_parents(b));
    uint64_t second = rng_below(&b->rng, n_parents(b));

    return b->population.members[first < second ? first : second];
}

/* *found ← whether config is a legal configuration that was not tried. */
static int breed(struct breeding *b, double config[], bool *found, struct err *err)
{
    const struct space *space = b->data.study->space;
    OWN(memory) double *u = calloc(2 * space->n_params + 1, sizeof *u);

    *found = false;
    if (u == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a configuration");
    }
    for (int tries = 0; tries < TRIES && !*found; tries++) {
        TRY(stop_check(b->data.seen->stop, err));
        b->parents[0] = tournament(b);
        b->parents[1] = tournament(b);
        b->variation =
            variation_breed(&b->data.encoding, config_of(b, b->parents[0]),
                            config_of(b, b->parents[1]), &b->rng, u + space->n_params, u);
        space_decode(space, u, config);
        *found = space_satisfies(space, config) && !study_data_has_tried(&b->data, config);
    }
    return 0;
}

static int64_t trial_of(const struct breeding *b, size_t item)
{
    return b->data.evaluations.done_observed[b->costs.done[item]]->number;
}

static char *explain(const struct breeding *b)
{
    OWN(buf) struct buf out;
    struct json_writer w;

    buf_init(&out, EXPLANATION_BYTES_MAX);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    json_put_string(&w, "model", "nsga2");
    explanation_write_history(&b->data.evaluations, b->costs.n, &w);
    json_put_int(&w, "population", (int64_t)n_parents(b));
    json_write_key(&w, "parents");
    json_array_begin(&w);
    json_write_int(&w, trial_of(b, b->parents[0]));
    if (b->variation.is_crossed && b->parents[1] != b->parents[0]) {
        json_write_int(&w, trial_of(b, b->parents[1]));
    }
    json_array_end(&w);
    json_put_int(&w, "mutated", (int64_t)b->variation.n_mutated);
    json_object_end(&w);
    return buf_steal(&out);
}

static const char *describe(const json_t *explain, uint64_t ordinal, struct buf *text)
{
    const json_t *parents = json_object_get(explain, "parents");
    int64_t mutated = explanation_int(explain, "mutated");

    (void)ordinal;
    if (!explanation_has_model(explain, "nsga2")) {
        return NULL;
    }
    int64_t first = json_integer_value(json_array_get(parents, 0));
    if (json_array_size(parents) > 1) {
        buf_printf(text, "parameters of trials %" PRId64 " and %" PRId64 " combined", first,
                   (int64_t)json_integer_value(json_array_get(parents, 1)));
    } else {
        buf_printf(text, "the parameters of trial %" PRId64, first);
    }
    if (mutated > 0) {
        buf_printf(text, ", %" PRId64 " of them mutated", mutated);
    }
    buf_printf(text, "; parents are drawn from the best %" PRId64 " of %" PRId64 " results",
               explanation_int(explain, "population"), explanation_int(explain, "results"));
    return "model";
}

static int suggest(const struct study_def *study, const struct history *seen, uint64_t ordinal,
                   struct suggestion *out, struct err *err)
{
    OWN(breeding) struct breeding b = {.rng = rng_for(study->seed, ordinal)};
    uint64_t design = design_size(study);
    bool found = false;

    TRY(study_data_init(&b.data, study, seen, err));
    TRY(objective_costs_init(&b.costs, &b.data, err));
    bool is_design = ordinal <= design;
    if (!is_design && b.costs.n >= 2 && encoding_n_dims(&b.data.encoding) > 0) {
        TRY(population_init(&b.population, &b.costs, population_size(study), err));
        TRY(breed(&b, out->config, &found, err));
    }
    if (found) {
        out->explain = explain(&b);
        return 0;
    }
    TRY(initial_design_point(&b.data, ordinal, out->config, err));
    out->explain = is_design ? explanation_without_model("design", ordinal, design)
                             : explanation_without_model("quasi_random", ordinal, 0);
    return 0;
}

const struct strategy strategy_nsga2 = {
    .name = "nsga2",
    .is_async = true,
    .needs_history = true,
    .multi_objective = true,
    .is_search = true,
    .check = check,
    .count = strategy_count_space,
    .suggest = suggest,
    .describe = describe,
};

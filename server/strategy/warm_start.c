#include "server/strategy/warm_start.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "server/domain/transfer.h"
#include "server/strategy/initial_design.h"

enum {
    ELITE_LEAST = 3, /* of a source: at least so many are candidates, and */
    STARTS_MAX = 5,  /* of design_size()'s at most 10 */
    EXPLAIN_MAX = 1 << 12
};

static const double elite_share = 0.1;

/* A trial of a source that may become a warm start. */
struct source_trial {
    size_t source;
    const struct observation *observed;
    double cost;
    double *config, *u; /* legal in the new space, and its position */
    bool taken;
};

struct source_trials {
    size_t n;
    struct source_trial *items;
    double *memory;
};

static void source_trials_finish(struct source_trials *trials)
{
    free(trials->items);
    free(trials->memory);
}
OWN_VALUE(source_trials)

/* Returns how many suggestions come from the sources; 0 without sources. */
static uint64_t n_warm_starts(const struct study_def *study, const struct history *seen)
{
    return seen->n_sources == 0 ? 0 : (initial_design_size(study) + 1) / 2;
}

/* By source, the best first. */
static int by_cost(const void *a, const void *b)
{
    const struct source_trial *x = a;
    const struct source_trial *y = b;

    if (x->source != y->source) {
        return x->source < y->source ? -1 : 1;
    }
    if (x->cost < y->cost || x->cost > y->cost) {
        return x->cost < y->cost ? -1 : 1;
    }
    return (x->observed->number > y->observed->number)
           - (x->observed->number < y->observed->number);
}

/* u ← the positions of parameters that a source lacks. */
static void default_positions(const struct study_data *data, double u[])
{
    struct rng rng = rng_for(data->study->seed, 0);

    for (size_t i = 0; i < data->study->space->n_params; i++) {
        const struct param *param = &data->study->space->params[i];
        double random = rng_uniform(&rng);
        u[i] = param->has_default         ? param_encode(param, param->default_value)
               : data->encoding.is_cat[i] ? random
                                          : 0.5;
    }
}

/* All completed trials of the sources that are legal here, by source, the best first. */
static int gather(const struct study_data *data, struct source_trials *out, struct err *err)
{
    const struct study_def *study = data->study;
    const struct history *seen = data->seen;
    size_t d = study->space->n_params;
    size_t most = 0;

    for (size_t s = 0; s < seen->n_sources; s++) {
        most += seen->sources[s].n;
    }
    out->items = calloc(most + 1, sizeof *out->items);
    out->memory = calloc((2 * most + 1) * d + 1, sizeof *out->memory);
    if (out->items == NULL || out->memory == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for the trials of other studies");
    }
    double *defaults = out->memory + 2 * most * d;
    default_positions(data, defaults);
    for (size_t s = 0; s < seen->n_sources; s++) {
        for (size_t i = 0; i < seen->sources[s].n; i++) {
            const struct observation *observed = &seen->sources[s].items[i];
            struct source_trial *trial = &out->items[out->n];
            *trial =
                (struct source_trial){.source = s,
                                      .observed = observed,
                                      .cost = study_cost(study, observation_value(observed, 0)),
                                      .config = out->memory + 2 * out->n * d,
                                      .u = out->memory + (2 * out->n + 1) * d};
            if (observed->kind == OBSERVED_COMPLETED
                && transfer_legalise(study->space, observed->config, defaults, trial->config)) {
                space_encode(study->space, trial->config, trial->u);
                out->n++;
            }
        }
    }
    if (out->n > 0) {
        qsort(out->items, out->n, sizeof *out->items, by_cost);
    }
    return 0;
}

/* The squared distance of two positions; categories that differ count ½. */
static double distance(const struct encoding *encoding, const struct source_trial *a,
                       const struct source_trial *b)
{
    double sum = 0.0;

    for (size_t i = 0; i < encoding->space->n_params; i++) {
        double delta = a->u[i] - b->u[i];
        bool differ = delta > 0.0 || delta < 0.0;
        sum += encoding->is_cat[i] ? (differ ? 0.5 : 0.0) : delta * delta;
    }
    return sum;
}

/* The next warm start of a source: its best trial, then the one of its best tenth that is farthest
 * from all chosen ones; NULL: none. */
static struct source_trial *next_of_source(const struct source_trials *all, size_t source,
                                           const struct encoding *encoding,
                                           struct source_trial *const chosen[], size_t n_chosen)
{
    size_t from = 0;
    struct source_trial *next = NULL;
    double farthest = 0.0;

    while (from < all->n && all->items[from].source < source) {
        from++;
    }
    size_t n = 0;
    while (from + n < all->n && all->items[from + n].source == source) {
        n++;
    }
    size_t elite = (size_t)ceil(elite_share * (double)n);
    elite = elite < ELITE_LEAST ? ELITE_LEAST : elite;
    for (size_t i = from; i < from + n && i < from + elite; i++) {
        struct source_trial *c = &all->items[i];
        double nearest = INFINITY;
        for (size_t k = 0; k < n_chosen; k++) {
            nearest = fmin(nearest, distance(encoding, c, chosen[k]));
        }
        if (i == from && !c->taken && nearest > 0.0) {
            return c;
        }
        if (nearest > farthest) {
            farthest = nearest;
            next = c;
        }
    }
    return next;
}

/* The k-th warm start, k from 0; NULL: there are fewer. */
static const struct source_trial *choose(const struct source_trials *all, size_t n_sources,
                                         const struct encoding *encoding, uint64_t k)
{
    struct source_trial *chosen[STARTS_MAX];
    size_t n = 0;
    size_t misses = 0;

    for (size_t turn = 0; misses < n_sources && n < STARTS_MAX; turn++) {
        struct source_trial *c = next_of_source(all, turn % n_sources, encoding, chosen, n);
        misses = c == NULL ? misses + 1 : 0;
        if (c == NULL) {
            continue;
        }
        c->taken = true;
        if (n == k) {
            return c;
        }
        chosen[n++] = c;
    }
    return NULL;
}

/* Whether the points of the initial design (even ordinals) are better than all warm starts (odd
 * ordinals), none of which is still running. */
static bool are_misleading(const struct evaluations *evaluations, uint64_t size)
{
    double best[2] = {INFINITY, INFINITY};
    bool is_open = false;

    for (size_t i = 0; i < evaluations->n_done; i++) {
        uint64_t ordinal = evaluations->done_observed[i]->ordinal;
        if (ordinal > 0 && ordinal <= size) {
            best[ordinal % 2] = fmin(best[ordinal % 2], evaluations->cost[i]);
        }
    }
    for (size_t i = 0; i < evaluations->n_pending; i++) {
        uint64_t ordinal = evaluations->pending_observed[i]->ordinal;
        is_open = is_open || (ordinal % 2 == 1 && ordinal <= size);
    }
    return best[0] < best[1] && (isfinite(best[1]) || !is_open);
}

int warm_start_point(const struct study_data *data, uint64_t ordinal, double config[],
                     struct warm_start *warm_start, struct err *err)
{
    OWN(source_trials) struct source_trials all = {0};

    *warm_start = (struct warm_start){0};
    if (ordinal % 2 == 0 || ordinal > 2 * n_warm_starts(data->study, data->seen)
        || are_misleading(&data->evaluations, initial_design_size(data->study))) {
        return 0;
    }
    TRY(gather(data, &all, err));
    const struct source_trial *trial =
        choose(&all, data->seen->n_sources, &data->encoding, ordinal / 2);
    if (trial != NULL && !study_data_has_tried(data, trial->config)) {
        memcpy(config, trial->config, data->study->space->n_params * sizeof *config);
        *warm_start = (struct warm_start){.found = true,
                                          .source = &data->seen->sources[trial->source],
                                          .trial = trial->observed->number};
    }
    return 0;
}

uint64_t warm_start_design_index(const struct study_def *study, const struct history *seen,
                                 uint64_t ordinal)
{
    uint64_t n = n_warm_starts(study, seen);

    if (ordinal > 2 * n) {
        return ordinal;
    }
    return ordinal % 2 == 0 ? ordinal / 2 : n + (ordinal + 1) / 2;
}

char *warm_start_explain(const struct warm_start *warm_start, uint64_t ordinal, uint64_t size)
{
    OWN(buf) struct buf out;
    struct json_writer w;

    buf_init(&out, EXPLAIN_MAX);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    json_put_string(&w, "model", "transfer");
    json_put_string(&w, "study", warm_start->source->name);
    json_put_int(&w, "trial", warm_start->trial);
    json_put_int(&w, "point", (int64_t)ordinal);
    json_put_int(&w, "of", (int64_t)size);
    json_object_end(&w);
    return buf_steal(&out);
}

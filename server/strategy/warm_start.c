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

/* A row that may become a start. */
struct candidate {
    size_t source;
    const struct observation *row;
    double cost;
    double *x, *u; /* legal configuration and its place */
    bool taken;
};

struct candidates {
    size_t n;
    struct candidate *items;
    double *memory;
};

static void candidates_finish(struct candidates *candidates)
{
    free(candidates->items);
    free(candidates->memory);
}
OWN_VALUE(candidates)

uint64_t starts_count(const struct study_def *study, const struct history *seen)
{
    return seen->n_sources == 0 ? 0 : (design_size(study) + 1) / 2;
}

/* By source, the best first. */
static int by_cost(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;

    if (x->source != y->source) {
        return x->source < y->source ? -1 : 1;
    }
    if (x->cost < y->cost || x->cost > y->cost) {
        return x->cost < y->cost ? -1 : 1;
    }
    return (x->row->number > y->row->number) - (x->row->number < y->row->number);
}

/* Where parameters stand that no source knows. */
static void place_unknown(const struct study_def *study, const struct axes *axes, double place[])
{
    struct rng rng = rng_for(study->seed, 0);

    for (size_t i = 0; i < study->space->n_params; i++) {
        const struct param *param = &study->space->params[i];
        double u = rng_uniform(&rng);
        place[i] = param->has_default ? param_encode(param, param->default_value)
                   : axes->is_cat[i]  ? u
                                      : 0.5;
    }
}

/* All completed rows that are legal here. */
static int gather(const struct study_def *study, const struct axes *axes,
                  const struct history *seen, struct candidates *out, struct err *err)
{
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
    double *unknown = out->memory + 2 * most * d;
    place_unknown(study, axes, unknown);
    for (size_t s = 0; s < seen->n_sources; s++) {
        for (size_t i = 0; i < seen->sources[s].n; i++) {
            const struct observation *row = &seen->sources[s].items[i];
            struct candidate *c = &out->items[out->n];
            *c = (struct candidate){.source = s,
                                    .row = row,
                                    .cost = study_cost(study, row->value),
                                    .x = out->memory + 2 * out->n * d,
                                    .u = out->memory + (2 * out->n + 1) * d};
            if (row->kind == OBSERVED_COMPLETED
                && transfer_legalise(study->space, row->x, unknown, c->x)) {
                space_encode(study->space, c->x, c->u);
                out->n++;
            }
        }
    }
    if (out->n > 0) {
        qsort(out->items, out->n, sizeof *out->items, by_cost);
    }
    return 0;
}

static double distance(const struct axes *axes, const struct candidate *a,
                       const struct candidate *b)
{
    double sum = 0.0;

    for (size_t i = 0; i < axes->space->n_params; i++) {
        double delta = a->u[i] - b->u[i];
        bool differ = delta > 0.0 || delta < 0.0;
        sum += axes->is_cat[i] ? (differ ? 0.5 : 0.0) : delta * delta;
    }
    return sum;
}

/* The next start of a source: its best, then the elite's farthest from all chosen; NULL: none. */
static struct candidate *next_of(const struct candidates *all, size_t source,
                                 const struct axes *axes, struct candidate *const chosen[],
                                 size_t n_chosen)
{
    size_t from = 0;
    struct candidate *next = NULL;
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
        struct candidate *c = &all->items[i];
        double nearest = INFINITY;
        for (size_t k = 0; k < n_chosen; k++) {
            nearest = fmin(nearest, distance(axes, c, chosen[k]));
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

/* The k-th start, k from 0; NULL: there are not so many. */
static const struct candidate *choose(const struct candidates *all, size_t n_sources,
                                      const struct axes *axes, uint64_t k)
{
    struct candidate *chosen[STARTS_MAX];
    size_t n = 0;
    size_t misses = 0;

    for (size_t turn = 0; misses < n_sources && n < STARTS_MAX; turn++) {
        struct candidate *c = next_of(all, turn % n_sources, axes, chosen, n);
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

/* Is no start good or still under way, while the points between them are better? Starts have the
 * odd ordinals. */
static bool disappoints(const struct trials *trials, uint64_t size)
{
    double best[2] = {INFINITY, INFINITY};
    bool is_open = false;

    for (size_t i = 0; i < trials->n_done; i++) {
        uint64_t ordinal = trials->done_seen[i]->ordinal;
        if (ordinal > 0 && ordinal <= size) {
            best[ordinal % 2] = fmin(best[ordinal % 2], trials->cost[i]);
        }
    }
    for (size_t i = 0; i < trials->n_pending; i++) {
        uint64_t ordinal = trials->pending_seen[i]->ordinal;
        is_open = is_open || (ordinal % 2 == 1 && ordinal <= size);
    }
    return best[0] < best[1] && (isfinite(best[1]) || !is_open);
}

int starts_point(const struct study_def *study, const struct axes *axes,
                 const struct trials *trials, const struct history *seen, uint64_t ordinal,
                 double x[], struct start *start, struct err *err)
{
    OWN(candidates) struct candidates all = {0};

    *start = (struct start){0};
    if (ordinal % 2 == 0 || ordinal > 2 * starts_count(study, seen)
        || disappoints(trials, design_size(study))) {
        return 0;
    }
    TRY(gather(study, axes, seen, &all, err));
    const struct candidate *c = choose(&all, seen->n_sources, axes, ordinal / 2);
    if (c != NULL && !trials_have(trials, space_config_key(study->space, c->x))) {
        memcpy(x, c->x, study->space->n_params * sizeof *x);
        *start = (struct start){
            .found = true, .source = &seen->sources[c->source], .trial = c->row->number};
    }
    return 0;
}

uint64_t starts_between(const struct study_def *study, const struct history *seen, uint64_t ordinal)
{
    uint64_t n = starts_count(study, seen);

    if (ordinal > 2 * n) {
        return ordinal;
    }
    return ordinal % 2 == 0 ? ordinal / 2 : n + (ordinal + 1) / 2;
}

char *starts_explain(const struct start *start, uint64_t ordinal, uint64_t size)
{
    OWN(buf) struct buf out;
    struct json_writer w;

    buf_init(&out, EXPLAIN_MAX);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    json_put_string(&w, "model", "transfer");
    json_put_string(&w, "study", start->source->name);
    json_put_int(&w, "trial", start->trial);
    json_put_int(&w, "point", (int64_t)ordinal);
    json_put_int(&w, "of", (int64_t)size);
    json_object_end(&w);
    return buf_steal(&out);
}

/* tpe: draws where good configurations are dense and the others are not.
 *
 * Good are the best tenth of the results, at most 25. Two mixtures of kernels, l of the good (a
 * result counts by how much better it is than the best of the others) and g of the others and of
 * what is still running; of 64 draws from l the one with the greatest ln l − ln g is taken.
 * Parameters that are active together share their kernels (densities.h). algorithms.md §2.
 * Behind a schedule with rungs (bohb, or as its `search`) only those are compared that have come to
 * the same level, and one in three is drawn without the model: Falkner et al., BOHB (2018).
 * From the studies that this one comes after it takes its first points and nothing else. */
#include "server/strategy/strategies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "server/model/radix_sort.h"
#include "server/strategy/candidates.h"
#include "server/strategy/encoding.h"
#include "server/strategy/evaluations.h"
#include "server/strategy/explanation.h"
#include "server/strategy/initial_design.h"
#include "server/strategy/tpe/densities.h"
#include "server/strategy/warm_start.h"

enum {
    STARTUP = 10,
    CANDIDATES = 64,
    GOOD_MAX = 25,
    BAD_MAX = 600, /* more kernels cost time and tell nothing new */
    PENDING_MAX = 300
};

static const double good_share = 0.10;
static const double rung_share = 0.15; /* of those at one level */

static void check(const struct study_def *study, struct faults *faults)
{
    strategy_refuse_options(study, faults);
}

static uint64_t count(const struct study_def *study)
{
    return strategy_bayesian.count(study);
}

struct guess {
    const struct study_def *study;
    struct rng rng;
    struct axes axes;
    struct trials trials;
    size_t n_good;
    size_t n_judged; /* of the done ones, who take part */
    size_t *order;   /* they, best first */
    double *cost;    /* of the done ones, as they are compared */
    struct densities densities;
    struct pool pool;
    double log_good[CANDIDATES]; /* of each of the pool */
    size_t chosen;               /* in the pool */
    size_t others[WHY_OTHERS];
    size_t n_others;
};

static void guess_finish(struct guess *guess)
{
    free(guess->order);
    free(guess->cost);
    densities_finish(&guess->densities);
    pool_finish(&guess->pool);
    trials_finish(&guess->trials);
    axes_finish(&guess->axes);
}
OWN_VALUE(guess)

/* ---- order ----------------------------------------------------------------------------------- */
/* Complete ones by cost; then the pruned ones, those that came further first; equals by number. A
 * sort by cost and then, for the pruned, by step: each keeps the order of the one before. */
static void rank_ends(struct guess *g, struct radix_item *items)
{
    const struct trials *t = &g->trials;
    bool any_pruned = false;

    for (size_t i = 0; i < t->n_done; i++) {
        items[i] = (struct radix_item){radix_key(t->measured[i]), i};
        any_pruned = any_pruned || !t->complete[i];
    }
    radix_sort(t->n_done, items, items + t->n_done);
    if (any_pruned) {
        for (size_t i = 0; i < t->n_done; i++) {
            bool is_complete = t->complete[items[i].index];
            items[i].key = is_complete ? 0 : radix_key(-(double)t->step[items[i].index]);
        }
        radix_sort(t->n_done, items, items + t->n_done);
    }
    memcpy(g->cost, t->cost, t->n_done * sizeof *g->cost);
    g->n_judged = t->n_done;
    double n = ceil(good_share * (double)t->n_done);
    g->n_good = n < 1.0 ? 1 : n > GOOD_MAX ? GOOD_MAX : (size_t)n;
}

/* How far a trial came: one that completed early ended by itself, and its value stands. */
static double reach_of(const struct guess *g, size_t i)
{
    const struct trials *t = &g->trials;

    return (double)(t->complete[i] ? g->study->resource_max : t->step[i]);
}

/* Its cost at a level that it has reached: the last measurement at or before it. */
static double cost_at(const struct guess *g, size_t i, double level)
{
    const struct observation *seen = g->trials.done_seen[i];
    double cost = g->trials.measured[i];

    if (level < (double)g->study->resource_max) {
        for (size_t k = 0; k < seen->n_curve && (double)seen->curve[k].step <= level; k++) {
            double value = trials_value(g->study, seen->curve[k].value);
            cost = isfinite(value) ? value : cost;
        }
    }
    return cost;
}

/* In rungs only those are compared that have come to the same level, the highest that enough have
 * reached: who is complete is no better for it than who has not been promoted yet. Shares as in
 * Falkner et al., BOHB (2018). */
static void rank_at_level(struct guess *g, struct radix_item *items)
{
    const struct trials *t = &g->trials;
    size_t n_params = axes_count(&g->axes);
    size_t enough = t->n_done < n_params + 3 ? t->n_done : n_params + 3;

    for (size_t i = 0; i < t->n_done; i++) {
        items[i] = (struct radix_item){radix_key(-reach_of(g, i)), i};
    }
    radix_sort(t->n_done, items, items + t->n_done);
    double level = reach_of(g, items[enough - 1].index);
    g->n_judged = 0;
    for (size_t i = 0; i < t->n_done; i++) {
        g->cost[i] = cost_at(g, i, level);
        if (reach_of(g, i) >= level) {
            items[g->n_judged++] = (struct radix_item){radix_key(g->cost[i]), i};
        }
    }
    radix_sort(g->n_judged, items, items + t->n_done);
    size_t n = g->n_judged;
    size_t share = (size_t)(rung_share * (double)n);
    g->n_good = n < 2 * n_params + 2 ? n / 2 : share > n_params + 1 ? share : n_params + 1;
    g->n_good = g->n_good < 1 ? 1 : g->n_good > GOOD_MAX ? GOOD_MAX : g->n_good;
}

static bool is_in_rungs(const struct study_def *study)
{
    return study->has_resource && strcmp(study_strategy(study), "tpe") != 0;
}

static int rank(struct guess *g, struct err *err)
{
    const struct trials *t = &g->trials;
    OWN(memory) struct radix_item *items = calloc(2 * t->n_done + 1, sizeof *items);

    g->order = calloc(t->n_done + 1, sizeof *g->order);
    g->cost = calloc(t->n_done + 1, sizeof *g->cost);
    if (items == NULL || g->order == NULL || g->cost == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    if (is_in_rungs(g->study)) {
        rank_at_level(g, items);
    } else {
        rank_ends(g, items);
    }
    for (size_t i = 0; i < g->n_judged; i++) {
        g->order[i] = items[i].index;
    }
    return 0;
}

/* ---- mixtures -------------------------------------------------------------------------------- */
/* How much better each good result is than the best of the others; at least a trace. */
static void weigh(const struct guess *g, double weights[])
{
    double other = g->n_good < g->n_judged ? g->cost[g->order[g->n_good]] : (double)INFINITY;
    double sum = 0.0;

    for (size_t i = 0; i < g->n_good; i++) {
        double gain = other - g->cost[g->order[i]];
        weights[i] = isfinite(gain) ? fmax(gain, 0.0) : 1.0;
        sum += weights[i];
    }
    for (size_t i = 0; i < g->n_good; i++) {
        weights[i] =
            sum > 0.0 && isfinite(sum) ? fmax(weights[i] * (double)g->n_good / sum, 1e-12) : 1.0;
    }
}

static int learn(struct guess *g, struct err *err)
{
    const struct trials *t = &g->trials;
    size_t pending = t->n_pending < PENDING_MAX ? t->n_pending : PENDING_MAX;
    size_t failed = t->n_failed < BAD_MAX ? t->n_failed : BAD_MAX;
    OWN(memory) const double **x = calloc(GOOD_MAX + BAD_MAX + failed + pending, sizeof *x);
    double weights[GOOD_MAX];
    struct density_side good = {.x = x, .weights = weights};
    struct density_side bad = {.x = x + GOOD_MAX};

    if (x == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(rank(g, err));
    weigh(g, weights);
    while (good.n < g->n_good) {
        x[good.n] = t->done[g->order[good.n]];
        good.n++;
    }
    size_t others = g->n_judged - g->n_good;
    size_t taken = others < BAD_MAX ? others : BAD_MAX;
    const double **next = x + GOOD_MAX;
    for (size_t i = 0; i < taken; i++) { /* of many, evenly from the best to the worst */
        *next++ = t->done[g->order[g->n_good + i * others / taken]];
    }
    for (size_t i = t->n_failed - failed; i < t->n_failed; i++) {
        *next++ = t->failed[i];
    }
    for (size_t i = t->n_pending - pending; i < t->n_pending; i++) {
        *next++ = t->pending[i];
    }
    bad.n = (size_t)(next - bad.x);
    return densities_init(&g->densities, &g->axes, &good, &bad, err);
}

/* ---- candidates ------------------------------------------------------------------------------ */
static int propose(struct guess *g, struct err *err)
{
    OWN(memory) double *place = calloc(g->study->space->n_params + 1, sizeof *place);

    if (place == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for candidates");
    }
    TRY(pool_init(&g->pool, &g->axes, CANDIDATES, err));
    for (size_t tries = 0; tries < 20 * CANDIDATES && g->pool.n < CANDIDATES; tries++) {
        densities_draw(&g->densities, &g->rng, place);
        (void)pool_add(&g->pool, place);
    }
    for (size_t i = 0; i < g->pool.n; i++) {
        double log_others;
        densities_of(&g->densities, pool_x(&g->pool, i), &g->log_good[i], &log_others);
        g->pool.score[i] = g->log_good[i] - log_others;
    }
    pool_scored(&g->pool);
    return 0;
}

/* The best that was never tried, and those next to it; false: none. */
static bool pick(struct guess *g)
{
    size_t order[CANDIDATES];
    size_t n = g->pool.n == 0 ? 0 : pool_best(&g->pool, CANDIDATES, order);
    bool found = false;

    for (size_t i = 0; i < n && g->n_others < WHY_OTHERS; i++) {
        const double *x = pool_x(&g->pool, order[i]);
        if (found && !why_stands_apart(&g->pool, order[i], g->chosen, g->n_others, g->others)) {
            continue;
        }
        if (trials_have(&g->trials, space_config_key(g->study->space, x))) {
            continue;
        }
        if (found) {
            g->others[g->n_others++] = order[i];
        } else {
            g->chosen = order[i];
            found = true;
        }
    }
    return found;
}

static char *explain(const struct guess *g)
{
    OWN(buf) struct buf out;
    struct json_writer w;

    buf_init(&out, WHY_MAX);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    json_put_string(&w, "model", "parzen");
    why_write_history(&g->trials, g->trials.n_done, &w);
    json_put_int(&w, "good", (int64_t)g->n_good);
    why_write_incumbent(g->study, &g->trials, &w);
    json_put_string(&w, "acquisition", "log_density_ratio");
    json_put_number(&w, "acquisition_value", g->pool.score[g->chosen]);
    json_put_number(&w, "log_density_good", g->log_good[g->chosen]);
    json_write_key(&w, "compared");
    json_object_begin(&w);
    json_put_int(&w, "candidates", (int64_t)g->pool.n);
    why_write_others(&g->pool, g->n_others, g->others, &w);
    json_object_end(&w);
    json_object_end(&w);
    return buf_steal(&out);
}

static int suggest(const struct study_def *study, const struct history *seen, uint64_t ordinal,
                   struct suggestion *out, struct err *err)
{
    OWN(guess) struct guess g = {.study = study, .rng = rng_for(study->seed, ordinal)};
    struct start start = {0};

    TRY(axes_init(&g.axes, study->space, err));
    TRY(trials_init(&g.trials, study, seen, err));
    TRY(starts_point(study, &g.axes, &g.trials, seen, ordinal, out->x, &start, err));
    if (start.found) {
        out->explain = starts_explain(&start, ordinal, STARTUP);
        return 0;
    }
    /* low levels mislead: in rungs one in three is drawn without the model, as BOHB does */
    bool strays = is_in_rungs(study) && rng_below(&g.rng, 3) == 0;
    if (ordinal <= STARTUP || g.trials.n_done < 3 || axes_count(&g.axes) == 0 || strays) {
        TRY(design_point(study, &g.axes, &g.trials, starts_between(study, seen, ordinal), out->x,
                         err));
        out->explain = ordinal <= STARTUP ? why_no_model("design", ordinal, STARTUP)
                                          : why_no_model("quasi_random", ordinal, 0);
        return 0;
    }
    TRY(learn(&g, err));
    TRY(propose(&g, err));
    if (!pick(&g)) {
        TRY(design_point(study, &g.axes, &g.trials, ordinal, out->x, err));
        out->explain = why_no_model("quasi_random", ordinal, 0);
        return 0;
    }
    memcpy(out->x, pool_x(&g.pool, g.chosen), g.pool.n_params * sizeof *out->x);
    out->explain = explain(&g);
    return 0;
}

const struct strategy strategy_tpe = {
    .name = "tpe",
    .thinks = true,
    .needs_history = true,
    .transfers = true,
    .check = check,
    .count = count,
    .suggest = suggest,
};

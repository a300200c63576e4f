/* tpe: draws where good configurations are dense and the others are not.
 *
 * Good are the best tenth of the results, at most 25. Two mixtures of kernels over all parameters
 * at once, l of the good (a result counts by how much better it is than the best of the others) and
 * g of the others and of what is still running; of 64 draws from l the one with the greatest ln l −
 * ln g is taken. Parameters that are not active
 * together never meet in a kernel: an inactive one is uniform there. algorithms.md §2, "Our TPE".
 * From the studies that this one comes after it takes its first points and nothing else. */
#include "server/strategy/strategies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "server/model/order.h"
#include "server/model/parzen.h"
#include "server/strategy/axes.h"
#include "server/strategy/design.h"
#include "server/strategy/pool.h"
#include "server/strategy/starts.h"
#include "server/strategy/trials.h"
#include "server/strategy/why.h"

enum {
    STARTUP = 10,
    CANDIDATES = 64,
    GOOD_MAX = 25,
    BAD_MAX = 600,    /* more kernels cost time and tell nothing new */
    TABLE_CELLS = 50, /* numbers of so few values have masses, others densities */
    PENDING_MAX = 300
};

static const double good_share = 0.10;

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
    size_t *order; /* the done trials, best first */
    uint64_t *cells;
    size_t *choices;
    struct parzen *good, *bad;
    struct pool pool;
    double *log_good;     /* of each of the pool */
    struct points points; /* of the pool, with NaN and −1 where inactive */
    size_t chosen;        /* in the pool */
    size_t others[WHY_OTHERS];
    size_t n_others;
};

static void guess_finish(struct guess *guess)
{
    free(guess->order);
    free(guess->cells);
    free(guess->choices);
    free(guess->log_good);
    parzen_destroy(guess->good);
    parzen_destroy(guess->bad);
    points_finish(&guess->points);
    pool_finish(&guess->pool);
    trials_finish(&guess->trials);
    axes_finish(&guess->axes);
}
OWN_VALUE(guess)

/* ---- order ----------------------------------------------------------------------------------- */
/* Complete ones by cost; then the pruned ones, those that came further first; equals by number. A
 * sort by cost and then, for the pruned, by step: each keeps the order of the one before. */
static int rank(struct guess *g, struct err *err)
{
    const struct trials *t = &g->trials;
    OWN(memory) struct ordered *items = calloc(2 * t->n_done + 1, sizeof *items);
    bool any_pruned = false;

    g->order = calloc(t->n_done + 1, sizeof *g->order);
    if (items == NULL || g->order == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    for (size_t i = 0; i < t->n_done; i++) {
        items[i] = (struct ordered){order_key(t->measured[i]), i};
        any_pruned = any_pruned || !t->complete[i];
    }
    order_sort(t->n_done, items, items + t->n_done);
    if (any_pruned) {
        for (size_t i = 0; i < t->n_done; i++) {
            bool is_complete = t->complete[items[i].index];
            items[i].key = is_complete ? 0 : order_key(-(double)t->step[items[i].index]);
        }
        order_sort(t->n_done, items, items + t->n_done);
    }
    for (size_t i = 0; i < t->n_done; i++) {
        g->order[i] = items[i].index;
    }
    double n = ceil(good_share * (double)t->n_done);
    g->n_good = n < 1.0 ? 1 : n > GOOD_MAX ? GOOD_MAX : (size_t)n;
    return 0;
}

/* ---- mixtures -------------------------------------------------------------------------------- */
static void put(const struct axes *axes, const double x[], struct points *points, size_t i)
{
    axes_put(axes, x, points, i);
    for (size_t k = 0; k < axes->n_num; k++) {
        if (isnan(x[axes->num[k]])) {
            points_num(points, i)[k] = NAN;
        }
    }
    for (size_t k = 0; k < axes->n_cat; k++) {
        if (isnan(x[axes->cat[k]])) {
            points_cat(points, i)[k] = -1;
        }
    }
}

static int describe(struct guess *g, struct err *err)
{
    const struct axes *axes = &g->axes;

    g->cells = calloc(axes->n_num + 1, sizeof *g->cells);
    g->choices = calloc(axes->n_cat + 1, sizeof *g->choices);
    if (g->cells == NULL || g->choices == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    for (size_t k = 0; k < axes->n_num; k++) {
        const struct param *param = &g->study->space->params[axes->num[k]];
        bool even =
            param->listed
            || (param->scale == SCALE_LINEAR && param->distribution == DISTRIBUTION_UNIFORM);
        g->cells[k] = even && param->n_cells <= TABLE_CELLS ? param->n_cells : 0;
    }
    for (size_t k = 0; k < axes->n_cat; k++) {
        g->choices[k] = g->study->space->params[axes->cat[k]].n_choices;
    }
    return 0;
}

/* How much better each good result is than the best of the others; at least a trace. */
static void weigh(const struct guess *g, double weights[])
{
    const struct trials *t = &g->trials;
    double other = g->n_good < t->n_done ? t->cost[g->order[g->n_good]] : (double)INFINITY;
    double sum = 0.0;

    for (size_t i = 0; i < g->n_good; i++) {
        double gain = other - t->cost[g->order[i]];
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
    const struct axes *axes = &g->axes;
    size_t pending = t->n_pending < PENDING_MAX ? t->n_pending : PENDING_MAX;
    OWN(points) struct points good = {0};
    OWN(points) struct points bad = {0};
    double weights[GOOD_MAX];

    TRY(rank(g, err));
    TRY(describe(g, err));
    TRY(points_init(&good, axes->n_num, axes->n_cat, g->n_good, err));
    TRY(points_init(&bad, axes->n_num, axes->n_cat, t->n_done + t->n_failed + pending, err));
    for (size_t i = 0; i < g->n_good; i++) {
        put(axes, t->done[g->order[i]], &good, good.n++);
    }
    size_t others = t->n_done - g->n_good;
    size_t taken = others < BAD_MAX ? others : BAD_MAX;
    for (size_t i = 0; i < taken; i++) { /* of many, evenly from the best to the worst */
        put(axes, t->done[g->order[g->n_good + i * others / taken]], &bad, bad.n++);
    }
    for (size_t i = t->n_failed > BAD_MAX ? t->n_failed - BAD_MAX : 0; i < t->n_failed; i++) {
        put(axes, t->failed[i], &bad, bad.n++);
    }
    for (size_t i = t->n_pending - pending; i < t->n_pending; i++) {
        put(axes, t->pending[i], &bad, bad.n++);
    }
    weigh(g, weights);
    TRY(parzen_create(&good, weights, g->cells, g->choices, &g->good, err));
    return parzen_create(&bad, NULL, g->cells, g->choices, &g->bad, err);
}

/* ---- candidates ------------------------------------------------------------------------------ */
/* place ← the unit cube's place of a draw. */
static void into_place(const struct guess *g, const double num[], const int32_t cat[],
                       double place[])
{
    for (size_t k = 0; k < g->axes.n_num; k++) {
        place[g->axes.num[k]] = num[k];
    }
    for (size_t k = 0; k < g->axes.n_cat; k++) {
        place[g->axes.cat[k]] = ((double)cat[k] + 0.5) / (double)g->choices[k];
    }
}

static void score_new(struct guess *g)
{
    size_t from = g->pool.n_scored;
    struct points part = g->points;
    double log_bad[CANDIDATES * 2];

    for (size_t i = from; i < g->pool.n; i++) {
        put(&g->axes, pool_x(&g->pool, i), &g->points, i);
    }
    part.num += from * part.n_num;
    part.cat += from * part.n_cat;
    part.n = g->pool.n - from < CANDIDATES * 2 ? g->pool.n - from : CANDIDATES * 2;
    parzen_log_density(g->good, &part, g->log_good + from);
    parzen_log_density(g->bad, &part, log_bad);
    for (size_t i = 0; i < part.n; i++) {
        g->pool.score[from + i] = g->log_good[from + i] - log_bad[i];
    }
    pool_scored(&g->pool);
}

static int propose(struct guess *g, struct err *err)
{
    const struct axes *axes = &g->axes;
    size_t d = g->study->space->n_params;
    OWN(memory) double *place = calloc(d + axes->n_num + 1, sizeof *place);
    OWN(memory) int32_t *cat = calloc(axes->n_cat + 1, sizeof *cat);

    g->log_good = calloc(CANDIDATES * 2, sizeof *g->log_good);
    if (place == NULL || cat == NULL || g->log_good == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for candidates");
    }
    TRY(pool_init(&g->pool, axes, CANDIDATES * 2, err));
    TRY(points_init(&g->points, axes->n_num, axes->n_cat, CANDIDATES * 2, err));
    for (size_t i = 0; i < d; i++) {
        place[i] = 0.5;
    }
    double *num = place + d;
    for (size_t tries = 0; tries < 20 * CANDIDATES && g->pool.n < CANDIDATES; tries++) {
        parzen_draw(g->good, &g->rng, num, cat);
        into_place(g, num, cat, place);
        (void)pool_add(&g->pool, place);
    }
    score_new(g);
    return 0;
}

/* The best that was never tried, and those next to it; false: none. */
static bool pick(struct guess *g)
{
    size_t order[CANDIDATES * 2];
    size_t n = g->pool.n == 0 ? 0 : pool_best(&g->pool, CANDIDATES * 2, order);
    bool found = false;

    for (size_t i = 0; i < n && g->n_others < WHY_OTHERS; i++) {
        const double *x = pool_x(&g->pool, order[i]);
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
    if (ordinal <= STARTUP || g.trials.n_done < 3 || axes_count(&g.axes) == 0) {
        out->explain = ordinal <= STARTUP ? why_no_model("design", ordinal, STARTUP)
                                          : why_no_model("quasi_random", ordinal, 0);
        return design_point(study, &g.axes, &g.trials, starts_between(study, seen, ordinal), out->x,
                            err);
    }
    TRY(learn(&g, err));
    TRY(propose(&g, err));
    if (!pick(&g)) {
        out->explain = why_no_model("quasi_random", ordinal, 0);
        return design_point(study, &g.axes, &g.trials, ordinal, out->x, err);
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

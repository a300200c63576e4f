/* tpe: the tree-structured Parzen estimator.
 *
 * Good results are the best tenth, at most 25. Two mixtures of kernels are built: l of the good
 * ones (weighted by how much better each is than the best of the others) and g of the others, the
 * failed and the pending trials. Of 64 draws from l the candidate with the greatest ln l − ln g is
 * chosen. Parameters that are active together share their kernels (densities.h). Watanabe (2023),
 * arXiv 2304.11127. Behind a schedule with rungs (bohb, or as its `search`) only trials that have
 * reached the same level are compared, and one suggestion in three is drawn without the model:
 * Falkner, Klein and Hutter, BOHB (2018). From source studies it takes warm starts and nothing
 * else. */
#include "server/strategy/strategies.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/stop.h"
#include "server/model/radix_sort.h"
#include "server/strategy/candidates.h"
#include "server/strategy/explanation.h"
#include "server/strategy/initial_design.h"
#include "server/strategy/study_data.h"
#include "server/strategy/tpe/densities.h"
#include "server/strategy/tpe/good_trials.h"
#include "server/strategy/warm_start.h"

enum {
    DESIGN_SIZE = 10,
    CANDIDATES = 64,
    GOOD_MAX = 25,
    OTHERS_MAX = 600, /* more kernels cost time and add no information */
    PENDING_MAX = 300
};

static const double good_share = 0.10;
static const double several_share = 0.10; /* of several objectives */
static const double rung_share = 0.15;    /* of those at one level */

static void check(const struct study_def *study, struct faults *faults)
{
    strategy_refuse_options(study, faults);
}

/* One suggestion in progress. */
struct proposal {
    struct study_data data;
    struct rng rng;
    size_t n_ranked; /* of the finished trials: those that are compared */
    size_t n_good;   /* the first of them */
    size_t *order;   /* their indices, best first */
    double *cost;    /* of all finished trials, as they are compared */
    struct densities densities;
    struct candidates candidates;
    double weights[GOOD_MAX];    /* of the good ones, where these are several */
    double log_good[CANDIDATES]; /* ln l of each candidate */
    struct choice choice;
};

static void proposal_finish(struct proposal *proposal)
{
    free(proposal->order);
    free(proposal->cost);
    densities_finish(&proposal->densities);
    candidates_finish(&proposal->candidates);
    study_data_finish(&proposal->data);
}
OWN_VALUE(proposal)

/* ---- ranking --------------------------------------------------------------------------------- */
/* Ranks complete trials by cost, then pruned ones by the resource they reached, then by cost;
 * equals by number. Two stable sorts: by cost, then by resource. */
static void rank_finals(struct proposal *p, struct radix_item *items)
{
    const struct evaluations *e = &p->data.evaluations;
    bool any_pruned = false;

    for (size_t i = 0; i < e->n_done; i++) {
        items[i] = (struct radix_item){radix_key(e->measured[i]), i};
        any_pruned = any_pruned || !e->complete[i];
    }
    radix_sort(e->n_done, items, items + e->n_done);
    if (any_pruned) {
        for (size_t i = 0; i < e->n_done; i++) {
            bool is_complete = e->complete[items[i].index];
            items[i].key = is_complete ? 0 : radix_key(-(double)e->step[items[i].index]);
        }
        radix_sort(e->n_done, items, items + e->n_done);
    }
    memcpy(p->cost, e->cost, e->n_done * sizeof *p->cost);
    p->n_ranked = e->n_done;
    double n = ceil(good_share * (double)e->n_done);
    p->n_good = n < 1.0 ? 1 : n > GOOD_MAX ? GOOD_MAX : (size_t)n;
}

/* The resource that a trial reached. One that completed early ended by itself: its value counts at
 * every higher level. */
static double reached(const struct proposal *p, size_t i)
{
    const struct evaluations *e = &p->data.evaluations;

    return (double)(e->complete[i] ? p->data.study->resource_max
                                   : study_step_down(p->data.study, e->step[i]));
}

/* The cost at a level that the trial reached: the last measurement at or before it. */
static double cost_at(const struct proposal *p, size_t i, double level)
{
    const struct observation *seen = p->data.evaluations.done_observed[i];
    const struct study_def *study = p->data.study;
    double cost = p->data.evaluations.measured[i];

    if (level < (double)study->resource_max) {
        for (size_t k = 0;
             k < seen->n_curve && (double)study_step_down(study, seen->curve[k].step) <= level;
             k++) {
            double value = objective_from_cost(study, seen->curve[k].value);
            cost = isfinite(value) ? value : cost;
        }
    }
    return cost;
}

/* Ranks the trials that have reached the same level, the highest that enough of them have reached:
 * a complete trial is not better than one that was not promoted yet. Shares as in BOHB. */
static void rank_at_level(struct proposal *p, struct radix_item *items)
{
    const struct evaluations *e = &p->data.evaluations;
    size_t n_params = encoding_n_dims(&p->data.encoding);
    size_t enough = e->n_done < n_params + 3 ? e->n_done : n_params + 3;

    for (size_t i = 0; i < e->n_done; i++) {
        items[i] = (struct radix_item){radix_key(-reached(p, i)), i};
    }
    radix_sort(e->n_done, items, items + e->n_done);
    double level = reached(p, items[enough - 1].index);
    p->n_ranked = 0;
    for (size_t i = 0; i < e->n_done; i++) {
        p->cost[i] = cost_at(p, i, level);
        if (reached(p, i) >= level) {
            items[p->n_ranked++] = (struct radix_item){radix_key(p->cost[i]), i};
        }
    }
    radix_sort(p->n_ranked, items, items + e->n_done);
    size_t n = p->n_ranked;
    size_t share = (size_t)(rung_share * (double)n);
    p->n_good = n < 2 * n_params + 2 ? n / 2 : share > n_params + 1 ? share : n_params + 1;
    p->n_good = p->n_good < 1 ? 1 : p->n_good > GOOD_MAX ? GOOD_MAX : p->n_good;
}

static bool has_rungs(const struct study_def *study)
{
    return study->has_resource && strcmp(study_strategy(study), "tpe") != 0;
}

/* By several objectives, or with bounds on metrics. */
static int rank_several(struct proposal *p, struct err *err)
{
    const struct evaluations *e = &p->data.evaluations;
    double n = ceil(several_share * (double)e->n_done);

    p->n_ranked = e->n_done;
    p->n_good = n < 1.0 ? 1 : n > GOOD_MAX ? GOOD_MAX : (size_t)n;
    return good_trials_choose(&p->data, p->n_good, p->order, p->weights, err);
}

static int rank(struct proposal *p, struct err *err)
{
    const struct evaluations *e = &p->data.evaluations;
    OWN(memory) struct radix_item *items = calloc(2 * e->n_done + 1, sizeof *items);

    p->order = calloc(e->n_done + 1, sizeof *p->order);
    p->cost = calloc(e->n_done + 1, sizeof *p->cost);
    if (items == NULL || p->order == NULL || p->cost == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    if (good_trials_are_several(p->data.study)) {
        return rank_several(p, err);
    }
    if (has_rungs(p->data.study)) {
        rank_at_level(p, items);
    } else {
        rank_finals(p, items);
    }
    for (size_t i = 0; i < p->n_ranked; i++) {
        p->order[i] = items[i].index;
    }
    return 0;
}

/* ---- mixtures -------------------------------------------------------------------------------- */
/* weights ← how much better each good result is than the best of the others; mean 1, at least
 * 1e-12. */
static void weigh_good(const struct proposal *p, double weights[])
{
    double other = p->n_good < p->n_ranked ? p->cost[p->order[p->n_good]] : (double)INFINITY;
    double sum = 0.0;

    if (good_trials_are_several(p->data.study)) {
        memcpy(weights, p->weights, p->n_good * sizeof *weights);
        return;
    }
    for (size_t i = 0; i < p->n_good; i++) {
        double gain = other - p->cost[p->order[i]];
        weights[i] = isfinite(gain) ? fmax(gain, 0.0) : 1.0;
        sum += weights[i];
    }
    for (size_t i = 0; i < p->n_good; i++) {
        weights[i] =
            sum > 0.0 && isfinite(sum) ? fmax(weights[i] * (double)p->n_good / sum, 1e-12) : 1.0;
    }
}

static int build_densities(struct proposal *p, struct err *err)
{
    const struct evaluations *e = &p->data.evaluations;
    size_t pending = e->n_pending < PENDING_MAX ? e->n_pending : PENDING_MAX;
    size_t failed = e->n_failed < OTHERS_MAX ? e->n_failed : OTHERS_MAX;
    OWN(memory)
    const double **configs = calloc(GOOD_MAX + OTHERS_MAX + failed + pending, sizeof *configs);
    double weights[GOOD_MAX];
    struct density_data good = {.configs = configs, .weights = weights};
    struct density_data others = {.configs = configs + GOOD_MAX};

    if (configs == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(rank(p, err));
    weigh_good(p, weights);
    while (good.n < p->n_good) {
        configs[good.n] = e->done[p->order[good.n]];
        good.n++;
    }
    size_t n = p->n_ranked - p->n_good;
    size_t taken = n < OTHERS_MAX ? n : OTHERS_MAX;
    const double **next = configs + GOOD_MAX;
    for (size_t i = 0; i < taken; i++) { /* evenly from the best to the worst */
        *next++ = e->done[p->order[p->n_good + i * n / taken]];
    }
    for (size_t i = e->n_failed - failed; i < e->n_failed; i++) {
        *next++ = e->failed[i];
    }
    for (size_t i = e->n_pending - pending; i < e->n_pending; i++) {
        *next++ = e->pending[i];
    }
    others.n = (size_t)(next - others.configs);
    return densities_init(&p->densities, &p->data.encoding, &good, &others, err);
}

/* ---- candidates ------------------------------------------------------------------------------ */
static int draw_candidates(struct proposal *p, struct err *err)
{
    struct candidates *candidates = &p->candidates;
    OWN(memory) double *u = calloc(p->data.study->space->n_params + 1, sizeof *u);

    if (u == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for candidates");
    }
    TRY(candidates_init(candidates, &p->data.encoding, CANDIDATES, err));
    for (size_t tries = 0; tries < 20 * CANDIDATES && candidates->n < CANDIDATES; tries++) {
        TRY(stop_check(p->data.seen->stop, err));
        densities_draw(&p->densities, &p->rng, u);
        (void)candidates_add(candidates, u);
    }
    for (size_t i = 0; i < candidates->n; i++) {
        double log_others;
        TRY(stop_check(p->data.seen->stop, err));
        densities_of(&p->densities, candidates_config(candidates, i), &p->log_good[i], &log_others);
        candidates->score[i] = p->log_good[i] - log_others;
    }
    candidates_scored(candidates);
    return 0;
}

static bool is_tried(const void *context, const double config[])
{
    return study_data_has_tried(context, config);
}

/* *found ← whether there is a candidate that was not tried. */
static int choose(struct proposal *p, bool *found, struct err *err)
{
    size_t order[CANDIDATES];
    size_t n = p->candidates.n == 0 ? 0 : candidates_best(&p->candidates, CANDIDATES, order);

    if (n == CANDIDATES_NO_MEMORY) {
        return err_set(err, ERR_NOMEM, "no memory to sort candidates");
    }
    *found = explanation_choose(&p->candidates, n, order, is_tried, &p->data, &p->choice);
    return 0;
}

static char *explain(const struct proposal *p)
{
    const struct evaluations *evaluations = &p->data.evaluations;
    OWN(buf) struct buf out;
    struct json_writer w;

    buf_init(&out, EXPLANATION_BYTES_MAX);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    json_put_string(&w, "model", "parzen");
    explanation_write_history(evaluations, evaluations->n_done, &w);
    json_put_int(&w, "good", (int64_t)p->n_good);
    explanation_write_incumbent(p->data.study, evaluations, &w);
    json_put_string(&w, "acquisition", "log_density_ratio");
    json_put_number(&w, "acquisition_value", p->candidates.score[p->choice.chosen]);
    json_put_number(&w, "log_density_good", p->log_good[p->choice.chosen]);
    json_write_key(&w, "compared");
    json_object_begin(&w);
    json_put_int(&w, "candidates", (int64_t)p->candidates.n);
    explanation_write_alternatives(&p->candidates, &p->choice, &w);
    json_object_end(&w);
    json_object_end(&w);
    return buf_steal(&out);
}

static const char *describe(const json_t *explain, uint64_t ordinal, struct buf *text)
{
    (void)ordinal;
    if (!explanation_has_model(explain, "parzen")) {
        return NULL;
    }
    buf_printf(text,
               "drawn where the best %" PRId64 " of %" PRId64
               " results are dense and the others, with %" PRId64 " running trials, are not",
               explanation_int(explain, "good"), explanation_int(explain, "results"),
               explanation_int(explain, "pending"));
    explanation_describe_comparison(explain, text);
    return "model";
}

static int suggest(const struct study_def *study, const struct history *seen, uint64_t ordinal,
                   struct suggestion *out, struct err *err)
{
    OWN(proposal) struct proposal p = {.rng = rng_for(study->seed, ordinal)};
    struct warm_start warm_start = {0};
    bool found;

    TRY(study_data_init(&p.data, study, seen, err));
    TRY(warm_start_point(&p.data, ordinal, out->config, &warm_start, err));
    if (warm_start.found) {
        out->explain = warm_start_explain(&warm_start, ordinal, DESIGN_SIZE);
        return 0;
    }
    /* low levels may mislead: with rungs one suggestion in three is drawn without the model (BOHB)
     */
    bool is_random = has_rungs(study) && rng_below(&p.rng, 3) == 0;
    if (ordinal <= DESIGN_SIZE || p.data.evaluations.n_done < 3
        || encoding_n_dims(&p.data.encoding) == 0 || is_random) {
        TRY(initial_design_point(&p.data, warm_start_design_index(study, seen, ordinal),
                                 out->config, err));
        out->explain = ordinal <= DESIGN_SIZE
                           ? explanation_without_model("design", ordinal, DESIGN_SIZE)
                           : explanation_without_model("quasi_random", ordinal, 0);
        return 0;
    }
    TRY(build_densities(&p, err));
    TRY(draw_candidates(&p, err));
    TRY(choose(&p, &found, err));
    if (!found) {
        TRY(initial_design_point(&p.data, ordinal, out->config, err));
        out->explain = explanation_without_model("quasi_random", ordinal, 0);
        return 0;
    }
    memcpy(out->config, candidates_config(&p.candidates, p.choice.chosen),
           p.candidates.n_params * sizeof *out->config);
    out->explain = explain(&p);
    return 0;
}

const struct strategy strategy_tpe = {
    .name = "tpe",
    .is_async = true,
    .needs_history = true,
    .multi_objective = true,
    .is_search = true,
    .transfers = true,
    .check = check,
    .count = strategy_count_space,
    .suggest = suggest,
    .describe = describe,
};

/* bayesian: a Gaussian process says what a configuration would give and how sure that is; the next
 * one is where the most improvement is to be expected. The variant that measurement chose is in the
 * rooms it is made of: design.h, belief.h, search.h, model/acquisition.h. */
#include "server/strategy/strategies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "server/model/acquisition.h"
#include "server/strategy/explanation.h"
#include "server/strategy/gp/acquisition_search.h"
#include "server/strategy/gp/surrogate.h"
#include "server/strategy/initial_design.h"
#include "server/strategy/warm_start.h"

enum {
    SCORED_WHOLE = 4096, /* a finite space of so many configurations is scored whole */
    POINTS_PER_CALL = 256,
    SPRAY_BASES = 5,
    FOLLOW_FROM = 4 /* trials: from then on older studies that help stand for the initial design */
};

static const double least_gain = 3e-3;

static void check(const struct study_def *study, struct faults *faults)
{
    strategy_refuse_options(study, faults);
}

static uint64_t count(const struct study_def *study)
{
    double cells = 1.0;

    for (size_t i = 0; i < study->space->n_params; i++) {
        uint64_t n = study->space->params[i].n_cells;
        cells *= n == 0 ? (double)INFINITY : (double)n;
    }
    return cells < 0x1p53 ? (uint64_t)cells : UINT64_MAX;
}

/* All that one suggestion is made from. */
struct thought {
    const struct study_def *study;
    const struct history *seen;
    uint64_t ordinal;
    struct rng rng;
    struct axes axes;
    struct trials trials;
    struct belief belief;
    struct acquisition *acquisition;
    struct pool pool;
    size_t n_uniform;
    size_t chosen;             /* in the pool */
    size_t others[WHY_OTHERS]; /* those next best to it */
    size_t n_others;
};

static void thought_finish(struct thought *thought)
{
    pool_finish(&thought->pool);
    acquisition_destroy(thought->acquisition);
    belief_finish(&thought->belief);
    trials_finish(&thought->trials);
    axes_finish(&thought->axes);
}
OWN_VALUE(thought)

/* What an improvement is counted from: the incumbent, less a little of what it is better than the
 * average. Without that little a search that has converged asks for the incumbent again and again,
 * an epsilon away, where it could look elsewhere. */
static double mark(const struct belief *belief)
{
    return belief->best - least_gain * fmax(-belief->best, 0.0);
}

/* ---- why ------------------------------------------------------------------------------------- */
/* A transformed cost as the objective's value. */
static double in_units(const struct thought *t, double cost)
{
    const struct transform *transform = &t->belief.transform;
    double scale = transform->sd > 0.0 ? transform->sd : 1.0;

    return trials_value(t->study, transform->mean + scale * cost);
}

static void write_prediction(struct json_writer *w, const struct thought *t)
{
    const struct transform *transform = &t->belief.transform;
    struct points one = t->pool.points;
    struct gp_batch *batch = t->acquisition->batch;
    double mean = 0.0;

    one.n = 1;
    one.num += t->chosen * one.n_num;
    one.cat += t->chosen * one.n_cat;
    gp_predict(t->belief.gp, batch, &one);
    if (t->belief.guide.prior_mean != NULL) {
        prior_mean_add(t->belief.guide.prior_mean, &one, t->belief.gp->n_fantasies, batch->mean);
    }
    for (size_t s = 0; s < t->belief.gp->n_fantasies; s++) {
        mean += batch->mean[s] / (double)t->belief.gp->n_fantasies;
    }
    double scale = transform->sd > 0.0 ? transform->sd : 1.0;
    json_write_key(w, "predicted");
    json_object_begin(w);
    json_put_number(w, "mean", in_units(t, mean));
    json_put_number(w, "sd", scale * sqrt(batch->var[0]));
    json_put_number(w, "noise_sd", scale * sqrt(t->belief.gp->noise));
    if (t->belief.ok != NULL) {
        gp_predict(t->belief.ok, t->acquisition->feasibility_batch, &one);
        json_put_number(w, "p_ok",
                        exp(log_feasibility(t->acquisition->feasibility_batch->mean[0],
                                            t->acquisition->feasibility_batch->var[0])));
    }
    json_object_end(w);
}

static void write_scales(struct json_writer *w, const struct thought *t)
{
    const struct axes *f = &t->axes;

    json_write_key(w, "length_scales");
    json_object_begin(w);
    for (size_t k = 0; k < axes_count(f); k++) {
        size_t i = k < f->n_num ? f->num[k] : f->cat[k - f->n_num];
        json_put_number(w, f->space->params[i].name, exp(t->belief.theta[k]));
    }
    json_object_end(w);
}

static void write_comparison(struct json_writer *w, const struct thought *t)
{
    double best_uniform = -INFINITY;

    for (size_t i = 0; i < t->n_uniform; i++) {
        best_uniform = fmax(best_uniform, t->pool.score[i]);
    }
    json_write_key(w, "compared");
    json_object_begin(w);
    json_put_int(w, "candidates", (int64_t)t->pool.n);
    if (t->n_uniform > 0) {
        json_put_number(w, "best_uniform", best_uniform);
    }
    why_write_others(&t->pool, t->n_others, t->others, w);
    json_object_end(w);
}

static char *explain(const struct thought *t)
{
    OWN(buf) struct buf out;
    struct json_writer w;

    buf_init(&out, WHY_MAX);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    json_put_string(&w, "model", "gaussian_process");
    why_write_history(&t->trials, t->belief.n, &w);
    json_put_int(&w, "fantasies", (int64_t)t->belief.gp->n_fantasies);
    json_put_int(&w, "fit_seen", (int64_t)t->belief.fit_n_seen);
    if (t->belief.is_closer) {
        json_put_bool(&w, "closer_look", true);
    }
    why_write_incumbent(t->study, &t->trials, &w);
    json_put_number(&w, "improve_on", in_units(t, mark(&t->belief)));
    write_prediction(&w, t);
    json_put_string(&w, "acquisition", "log_augmented_expected_improvement");
    json_put_number(&w, "acquisition_value", t->pool.score[t->chosen]);
    if (t->belief.begun.n > 0) {
        json_put_int(&w, "curves_avoided", (int64_t)t->belief.begun.n);
    }
    write_comparison(&w, t);
    write_scales(&w, t);
    if (t->belief.guide.n > 0) {
        guide_write(&t->belief.guide, &w);
    }
    json_object_end(&w);
    return buf_steal(&out);
}

/* ---- what ------------------------------------------------------------------------------------ */
static bool is_tried(const void *context, const double x[])
{
    const struct thought *t = context;

    return trials_have(&t->trials, space_config_key(t->study->space, x));
}

static int score_whole(struct thought *t, struct err *err)
{
    TRY(search_enumerate(&t->axes, is_tried, t, &t->pool, err));
    if (t->pool.n == 0) {
        return err_set(err, ERR_EXHAUSTED, "every configuration of the space has been tried");
    }
    struct points all = pool_unscored(&t->pool);
    acquisition_score(t->acquisition, &all, t->pool.score, NULL);
    pool_scored(&t->pool);
    return 0;
}

static int search_best(struct thought *t, struct err *err)
{
    size_t order[SPRAY_BASES];
    const double *bases[SPRAY_BASES];
    bool may_stop = trials_may_stop(t->study);
    struct search search = {.axes = &t->axes,
                            .acquisition = t->acquisition,
                            .effort =
                                may_stop ? effort_among_curves() : effort_for(t->belief.points.n),
                            .folds = may_stop,
                            .n_bases = belief_best(&t->belief, SPRAY_BASES, order),
                            .bases = bases,
                            .rng = &t->rng};

    for (size_t i = 0; i < search.n_bases; i++) {
        bases[i] = t->belief.done[order[i]];
    }
    TRY(search_run(&search, &t->pool, err));
    t->n_uniform = search.n_uniform;
    return 0;
}

/* The best candidate that was never tried, and the next ones; false: all were. */
static bool pick(struct thought *t)
{
    OWN(memory) size_t *order = calloc(t->pool.n + 1, sizeof *order);
    size_t n = order == NULL ? 0 : pool_best(&t->pool, t->pool.n, order);
    bool found = false;

    for (size_t i = 0; i < n && t->n_others < WHY_OTHERS; i++) {
        if (found && !why_stands_apart(&t->pool, order[i], t->chosen, t->n_others, t->others)) {
            continue;
        }
        if (is_tried(t, pool_x(&t->pool, order[i]))) {
            continue;
        }
        if (found) {
            t->others[t->n_others++] = order[i];
        } else {
            t->chosen = order[i];
            found = true;
        }
    }
    return found;
}

/* With `if_guided`, *done stays false unless an older study is followed. */
static int think(struct thought *t, bool if_guided, struct suggestion *out, bool *done,
                 struct err *err)
{
    TRY(belief_init(&t->belief, t->study, &t->axes, &t->trials, t->seen, NULL, &t->rng, err));
    if (if_guided && !t->belief.guide.verdict.any) {
        return 0;
    }
    *done = true;
    TRY(acquisition_create(t->belief.gp, t->belief.ok, mark(&t->belief), POINTS_PER_CALL,
                           &t->acquisition, err));
    t->acquisition->prior_mean = t->belief.guide.prior_mean;
    TRY(acquisition_penalise(t->acquisition, &t->belief.begun, err));
    if (t->axes.cells_total <= SCORED_WHOLE) {
        TRY(score_whole(t, err));
    } else {
        TRY(search_best(t, err));
    }
    if (!pick(t)) {
        TRY(design_point(t->study, &t->axes, &t->trials, t->ordinal, out->x, err));
        out->explain = why_no_model("quasi_random", t->ordinal, 0);
        return 0;
    }
    memcpy(out->x, pool_x(&t->pool, t->chosen), t->pool.n_params * sizeof *out->x);
    out->explain = explain(t);
    if (t->belief.guide.fitted) { /* made once; ours will be due again */
        out->fit = guide_fit_bytes(&t->belief.guide, &out->fit_bytes);
    } else if (t->belief.fitted) {
        out->fit = belief_fit_bytes(&t->belief, &out->fit_bytes);
        out->fit_n_seen = t->belief.fit_n_seen;
    }
    return 0;
}

/* The models of older studies are made with the first suggestion and stored with it. */
static int keep_guide(const struct thought *t, struct suggestion *out, struct err *err)
{
    OWN(guide) struct guide guide = {0};

    TRY(guide_init(&guide, t->study, &t->axes, t->seen, err));
    if (guide.fitted) {
        out->fit = guide_fit_bytes(&guide, &out->fit_bytes);
    }
    return 0;
}

static int suggest(const struct study_def *study, const struct history *seen, uint64_t ordinal,
                   struct suggestion *out, struct err *err)
{
    OWN(thought)
    struct thought t = {
        .study = study, .seen = seen, .ordinal = ordinal, .rng = rng_for(study->seed, ordinal)};
    uint64_t size = design_size(study);
    bool is_over = ordinal > size;
    bool done = false;
    struct start start = {0};
    struct err why = {0};

    TRY(axes_init(&t.axes, study->space, err));
    TRY(trials_init(&t.trials, study, seen, err));
    if ((is_over || (seen->n_sources > 0 && ordinal > FOLLOW_FROM))
        && rows_count(study, &t.trials) >= 3 && axes_count(&t.axes) > 0) {
        if (think(&t, !is_over, out, &done, &why) == 0 && done) {
            return 0;
        }
        if (why.code != ERR_NONE && why.code != ERR_NUMERIC) {
            return err_set(err, why.code, "%s", why.text);
        }
        out->fallback = is_over; /* no model stands on these results: go on without one */
    }
    TRY(starts_point(study, &t.axes, &t.trials, seen, ordinal, out->x, &start, err));
    if (start.found) {
        out->explain = starts_explain(&start, ordinal, size);
        return keep_guide(&t, out, err);
    }
    TRY(design_point(study, &t.axes, &t.trials, starts_between(study, seen, ordinal), out->x, err));
    out->explain = why_no_model(ordinal > size ? "quasi_random" : "design", ordinal,
                                ordinal > size ? 0 : size);
    return 0;
}

const struct strategy strategy_bayesian = {
    .name = "bayesian",
    .thinks = true,
    .needs_history = true,
    .transfers = true,
    .check = check,
    .count = count,
    .suggest = suggest,
};

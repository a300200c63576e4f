#include "server/strategy/gp/acquisition_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/optimise.h"

enum {
    EXCHANGE_CATEGORY = 256, /* a category with at most so many as well */
    EXCHANGE_DRAWS = 128,    /* of a category with more, so many are drawn */
    EXCHANGE_ALL = 16,   /* a parameter with at most so many values is exchanged with all of them */
    TRIES_PER_DRAW = 20, /* of a uniform candidate that violates a constraint */
    STARTS_MAX = 16
};

/* A search in progress, with its scratch. */
struct search_run {
    struct acquisition_search *search;
    const struct encoding *encoding;
    struct candidates *candidates;
    double *u;      /* n_params: the position that is added next */
    double *base;   /* n_params: the position of an incumbent */
    size_t *params; /* n_params: which parameters a mutation or exchange may change */
};

struct search_effort search_effort_for(size_t n)
{
    struct search_effort effort = {.candidates = 2048,
                                   .rounds = 8,
                                   .parents = 12,
                                   .offspring = 12,
                                   .starts = 8,
                                   .cycles = 2,
                                   .ascent_steps = 20};

    if (n > 200) {
        effort.candidates = 1024;
        effort.rounds = 6;
        effort.parents = 8;
        effort.starts = 4;
    }
    if (n > 400) {
        effort.candidates = 512;
        effort.rounds = 4;
        effort.cycles = 1;
        effort.ascent_steps = 12;
    }
    return effort;
}

struct search_effort search_effort_early_stopping(void)
{
    return (struct search_effort){.candidates = 500, .rounds = 3, .parents = 5, .offspring = 12};
}

static void add_uniform(struct search_run *run, size_t n)
{
    struct candidates *candidates = run->candidates;
    struct rng *rng = run->search->rng;
    size_t want = candidates->n + n;

    for (size_t tries = n * TRIES_PER_DRAW; tries > 0 && candidates->n < want; tries--) {
        for (size_t i = 0; i < candidates->n_params; i++) {
            run->u[i] = rng_uniform(rng);
        }
        (void)candidates_add(candidates, run->u);
    }
    run->search->n_uniform = candidates->n;
    if (candidates->n == 0 && space_sample(run->encoding->space, rng, run->u, NULL) == 0) {
        (void)candidates_add_config(candidates, run->u); /* few are legal: at least one */
    }
}

/* out ← the parameters that can be changed: active, with more than one value. Returns how many. */
static size_t changeable(const struct encoding *encoding, const double config[], size_t out[])
{
    size_t n = 0;

    for (size_t k = 0; k < encoding->n_num; k++) {
        if (!isnan(config[encoding->num[k]])) {
            out[n++] = encoding->num[k];
        }
    }
    for (size_t k = 0; k < encoding->n_cat; k++) {
        if (!isnan(config[encoding->cat[k]])) {
            out[n++] = encoding->cat[k];
        }
    }
    return n;
}

/* A position beyond a bound, reflected into [0, 1]. */
static double reflect(double u)
{
    double v = fabs(u);

    return v > 1.0 ? fmax(2.0 - v, 0.0) : v;
}

/* run->u ← a mutation of the configuration at position u: mostly few parameters, each by a normal
 * step of at least `sigma`, reflected at the bounds or clipped to them by the caller's rounding.
 * Inactive parameters get a random position, so that a branch that becomes active starts anywhere.
 */
static void mutate(struct search_run *run, const double config[], const double u[], double sigma)
{
    const struct encoding *encoding = run->encoding;
    struct rng *rng = run->search->rng;
    size_t d = encoding->space->n_params;
    size_t n = changeable(encoding, config, run->params);
    double rate = n > 1 ? exp(-log((double)n) * rng_uniform(rng)) : 1.0;
    size_t always = n > 0 ? run->params[rng_below(rng, n)] : d;

    for (size_t i = 0; i < d; i++) {
        bool is_chosen = rng_uniform(rng) < rate;
        run->u[i] = u[i];
        if (isnan(config[i])) {
            run->u[i] = rng_uniform(rng);
        } else if (is_chosen || i == always) {
            double step = fmax(sigma, 0.7 * encoding->cell[i]);
            run->u[i] = encoding->is_cat[i] ? rng_uniform(rng) : u[i] + step * rng_normal(rng);
            run->u[i] = run->search->reflects ? reflect(run->u[i]) : run->u[i];
        }
    }
}

static double log_uniform(struct rng *rng, double low, double high)
{
    return exp(log(low) + rng_uniform(rng) * (log(high) - log(low)));
}

static void add_perturbations(struct search_run *run, size_t n)
{
    struct acquisition_search *search = run->search;

    for (size_t i = 0; i < n && search->n_incumbents > 0; i++) {
        const double *config = search->incumbents[rng_below(search->rng, search->n_incumbents)];
        space_encode(run->encoding->space, config, run->base);
        mutate(run, config, run->base, log_uniform(search->rng, 0.005, 0.3));
        (void)candidates_add(run->candidates, run->u);
    }
}

/* In pieces of the size in which the acquisition function takes them anyway. */
static int score_new(struct search_run *run, struct err *err)
{
    struct candidates *candidates = run->candidates;
    const struct acquisition *acquisition = run->search->acquisition;
    struct points all = candidates_unscored(candidates);
    double *score = candidates->score + candidates->n_scored;

    for (size_t from = 0; from < all.n; from += acquisition->cap) {
        struct points part = all;
        part.n = all.n - from < acquisition->cap ? all.n - from : acquisition->cap;
        part.active += from * (all.n_num + all.n_cat);
        part.num += from * all.n_num;
        part.cat += from * all.n_cat;
        TRY(stop_check(run->search->stop, err));
        acquisition_score(acquisition, &part, score + from, NULL);
    }
    candidates_scored(candidates);
    return stop_check(run->search->stop, err);
}

static void add_offspring(struct search_run *run, int round)
{
    const struct search_effort *effort = &run->search->effort;
    struct candidates *candidates = run->candidates;
    size_t best[STARTS_MAX];
    size_t n = candidates_best(candidates, effort->parents, best);
    double greatest = 0.2 / (double)(1 << round);

    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < effort->offspring; i++) {
            double sigma = log_uniform(run->search->rng, 0.003, fmax(greatest, 0.003));
            mutate(run, candidates_config(candidates, best[k]), candidates_u(candidates, best[k]),
                   sigma);
            (void)candidates_add(candidates, run->u);
        }
    }
}

/* ---- ascent ---------------------------------------------------------------------------------- */
struct ascent_context {
    const struct acquisition *acquisition;
    struct points points; /* the numbers change, the categories do not */
};

static void evaluate(void *context, const double x[], double value[], double gradient[])
{
    struct ascent_context *ascent = context;
    struct points *points = &ascent->points;

    memcpy(points->num, x, points->n * points->n_num * sizeof *x);
    acquisition_score(ascent->acquisition, points, value, gradient);
}

/* The unit of each smooth active number is its length scale, at most 1; 0 for all others. */
static void set_scales(const struct search_run *run, const double config[], double scale[])
{
    const struct encoding *encoding = run->encoding;
    const double *w_num = run->search->w_num;

    for (size_t k = 0; k < encoding->n_num; k++) {
        bool moves = encoding->is_smooth[encoding->num[k]] && !isnan(config[encoding->num[k]]);
        scale[k] = moves ? fmin(1.0 / sqrt(w_num[k]), 1.0) : 0.0;
    }
}

/* Adds the result of a gradient ascent from each of n candidates. */
static int add_ascents(struct search_run *run, size_t n, const size_t from[], struct err *err)
{
    struct candidates *candidates = run->candidates;
    const struct encoding *encoding = run->encoding;
    size_t d = encoding->n_num;
    OWN(points) struct points points = {0};
    OWN(memory) double *x = calloc(d * n + 1, sizeof *x);
    OWN(memory) double *scale = calloc(d * n + 1, sizeof *scale);
    double value[STARTS_MAX];

    if (x == NULL || scale == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    TRY(points_init(&points, d, encoding->n_cat, n, err));
    points.n = n;
    for (size_t j = 0; j < n; j++) {
        points_copy(&points, j, &candidates->points, from[j]);
        memcpy(x + j * d, points_num(&points, j), d * sizeof *x);
        set_scales(run, candidates_config(candidates, from[j]), scale + j * d);
    }
    struct ascent_context context = {.acquisition = run->search->acquisition, .points = points};
    const struct maximisation maximisation = {.d = d,
                                              .m = n,
                                              .scale = scale,
                                              .steps = run->search->effort.ascent_steps,
                                              .stop = run->search->stop,
                                              .context = &context,
                                              .evaluate = evaluate};
    TRY(maximise_in_box(&maximisation, x, value, err));
    for (size_t j = 0; j < n; j++) {
        memcpy(run->u, candidates_u(candidates, from[j]), candidates->n_params * sizeof *run->u);
        for (size_t k = 0; k < d; k++) {
            if (scale[j * d + k] > 0.0) {
                run->u[encoding->num[k]] = x[j * d + k];
            }
        }
        (void)candidates_add(candidates, run->u);
    }
    return 0;
}

/* ---- exchanges ------------------------------------------------------------------------------- */
/* Is it a category of so many choices that not all can be tried? */
static bool is_large(const struct encoding *encoding, size_t i)
{
    return encoding->is_cat[i] && encoding->space->params[i].n_cells > EXCHANGE_CATEGORY;
}

static void exchange_drawn(struct search_run *run, size_t from, size_t i)
{
    memcpy(run->u, candidates_u(run->candidates, from), run->candidates->n_params * sizeof *run->u);
    for (int draw = 0; draw < EXCHANGE_DRAWS; draw++) {
        run->u[i] = rng_uniform(run->search->rng);
        (void)candidates_add(run->candidates, run->u);
    }
}

/* Adds the candidate with one discrete parameter changed to each other value, or, where there are
 * many values, to its neighbours. */
static void exchange_one(struct search_run *run, size_t from, size_t i)
{
    struct candidates *candidates = run->candidates;
    const struct param *param = &run->encoding->space->params[i];
    double now = candidates_config(candidates, from)[i];
    double reach = param->step > 0.0 ? 2.5 * param->step : 2.5;
    bool all = param->n_cells <= EXCHANGE_ALL || run->encoding->is_cat[i];

    memcpy(run->u, candidates_u(candidates, from), candidates->n_params * sizeof *run->u);
    for (uint64_t c = 0; c < param->n_cells; c++) {
        double value = encoding_cell_value(param, c);
        bool is_now = fabs(value - now) < 1e-9 * fmax(1.0, fabs(now));
        if (!is_now && (all || fabs(value - now) < reach)) {
            run->u[i] = param_encode(param, value);
            (void)candidates_add(candidates, run->u);
        }
    }
}

static void add_exchanges(struct search_run *run, size_t n, const size_t from[])
{
    for (size_t k = 0; k < n && !stop_is_asked(run->search->stop); k++) {
        size_t count =
            changeable(run->encoding, candidates_config(run->candidates, from[k]), run->params);
        for (size_t j = 0; j < count; j++) {
            if (is_large(run->encoding, run->params[j])) {
                exchange_drawn(run, from[k], run->params[j]);
            } else if (!run->encoding->is_smooth[run->params[j]]) {
                exchange_one(run, from[k], run->params[j]);
            }
        }
    }
}

/* How many exchanges one candidate has at most. */
static size_t count_exchanges(const struct encoding *encoding)
{
    size_t n = 0;

    for (size_t i = 0; i < encoding->space->n_params; i++) {
        if (encoding->cell[i] > 0.0 && !encoding->is_smooth[i]) {
            size_t n_cells = (size_t)encoding->space->params[i].n_cells;
            n += is_large(encoding, i)                            ? EXCHANGE_DRAWS
                 : encoding->is_cat[i] || n_cells <= EXCHANGE_ALL ? n_cells
                                                                  : 5;
        }
    }
    return n;
}

static int refine(struct search_run *run, struct err *err)
{
    const struct search_effort *effort = &run->search->effort;
    size_t best[STARTS_MAX];

    for (int cycle = 0; cycle < effort->cycles; cycle++) {
        size_t n = candidates_best(run->candidates, effort->starts, best);
        if (run->encoding->n_num > 0 && n > 0) {
            TRY(add_ascents(run, n, best, err));
            TRY(score_new(run, err));
            n = candidates_best(run->candidates, effort->starts, best);
        }
        add_exchanges(run, n, best);
        TRY(score_new(run, err));
    }
    return 0;
}

int acquisition_search_run(struct acquisition_search *search, struct candidates *candidates,
                           struct err *err)
{
    const struct search_effort *effort = &search->effort;
    size_t d = search->encoding->space->n_params;
    size_t per_cycle = effort->starts * (1 + count_exchanges(search->encoding));
    size_t cap = effort->candidates + (size_t)effort->rounds * effort->parents * effort->offspring
                 + (size_t)effort->cycles * per_cycle;
    OWN(memory) double *u = calloc(2 * d + 1, sizeof *u);
    OWN(memory) size_t *params = calloc(d + 1, sizeof *params);

    if (u == NULL || params == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    TRY(candidates_init(candidates, search->encoding, cap, err));
    struct search_run run = {.search = search,
                             .encoding = search->encoding,
                             .candidates = candidates,
                             .u = u,
                             .base = u + d,
                             .params = params};
    add_uniform(&run, effort->candidates / 2);
    add_perturbations(&run, effort->candidates - effort->candidates / 2);
    TRY(score_new(&run, err));
    for (int round = 0; round < effort->rounds; round++) {
        add_offspring(&run, round);
        TRY(score_new(&run, err));
    }
    return refine(&run, err);
}

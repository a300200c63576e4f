#include "server/strategy/gp/acquisition_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/optimise.h"

enum {
    EXCHANGE_ALL = 16,   /* up to so many values an exchange tries them all */
    TRIES_PER_DRAW = 20, /* of a uniform candidate that breaks a constraint */
    STARTS_MAX = 16
};

struct effort effort_for(size_t n)
{
    struct effort effort = {.candidates = 2048,
                            .rounds = 8,
                            .keep = 12,
                            .brood = 12,
                            .starts = 8,
                            .cycles = 2,
                            .climb_steps = 20};

    if (n > 200) {
        effort.candidates = 1024;
        effort.rounds = 6;
        effort.keep = 8;
        effort.starts = 4;
    }
    if (n > 400) {
        effort.candidates = 512;
        effort.rounds = 4;
        effort.cycles = 1;
        effort.climb_steps = 12;
    }
    return effort;
}

struct effort effort_among_curves(void)
{
    return (struct effort){.candidates = 500, .rounds = 3, .keep = 5, .brood = 12};
}

static void add_uniform(struct search *search, struct pool *pool, size_t n, double place[])
{
    size_t want = pool->n + n;

    for (size_t tries = n * TRIES_PER_DRAW; tries > 0 && pool->n < want; tries--) {
        for (size_t i = 0; i < pool->n_params; i++) {
            place[i] = rng_uniform(search->rng);
        }
        (void)pool_add(pool, place);
    }
    search->n_uniform = pool->n;
    if (pool->n == 0 && space_sample(search->axes->space, search->rng, place, NULL) == 0) {
        (void)pool_add_config(pool, place); /* a narrow space: at least one */
    }
}

/* The parameters that can be moved: active and with more than one value. */
static size_t movable(const struct axes *axes, const double x[], size_t out[])
{
    size_t n = 0;

    for (size_t k = 0; k < axes->n_num; k++) {
        if (!isnan(x[axes->num[k]])) {
            out[n++] = axes->num[k];
        }
    }
    for (size_t k = 0; k < axes->n_cat; k++) {
        if (!isnan(x[axes->cat[k]])) {
            out[n++] = axes->cat[k];
        }
    }
    return n;
}

/* Back into [0, 1] as a ray is thrown back. */
static double fold(double u)
{
    double v = fabs(u);

    return v > 1.0 ? fmax(2.0 - v, 0.0) : v;
}

/* place ← a mutation of the configuration x at u: few coordinates mostly, each by a normal step
 * clipped onto the bounds, where optima lie, or folded; inactive coordinates stand anywhere, so
 * that a branch that opens starts anywhere. `which` is scratch. */
static void mutate(struct search *search, const double x[], const double u[], double sigma,
                   size_t which[], double place[])
{
    const struct axes *f = search->axes;
    size_t d = f->space->n_params;
    size_t n = movable(f, x, which);
    double rate = n > 1 ? exp(-log((double)n) * rng_uniform(search->rng)) : 1.0;
    size_t surely = n > 0 ? which[rng_below(search->rng, n)] : d;

    for (size_t i = 0; i < d; i++) {
        bool hit = rng_uniform(search->rng) < rate;
        place[i] = u[i];
        if (isnan(x[i])) {
            place[i] = rng_uniform(search->rng);
        } else if (hit || i == surely) {
            double reach = fmax(sigma, 0.7 * f->cell[i]);
            place[i] =
                f->is_cat[i] ? rng_uniform(search->rng) : u[i] + reach * rng_normal(search->rng);
            place[i] = search->folds ? fold(place[i]) : place[i];
        }
    }
}

static double log_uniform(struct rng *rng, double low, double high)
{
    return exp(log(low) + rng_uniform(rng) * (log(high) - log(low)));
}

static void add_spray(struct search *search, struct pool *pool, size_t n, size_t which[],
                      double place[], double u[])
{
    for (size_t i = 0; i < n && search->n_bases > 0; i++) {
        const double *base = search->bases[rng_below(search->rng, search->n_bases)];
        space_encode(search->axes->space, base, u);
        mutate(search, base, u, log_uniform(search->rng, 0.005, 0.3), which, place);
        (void)pool_add(pool, place);
    }
}

static void score_new(struct search *search, struct pool *pool)
{
    struct points part = pool_unscored(pool);

    acquisition_score(search->acquisition, &part, pool->score + pool->n_scored, NULL);
    pool_scored(pool);
}

static void add_broods(struct search *search, struct pool *pool, int round, size_t which[],
                       double place[])
{
    size_t best[STARTS_MAX];
    size_t n = pool_best(pool, search->effort.keep, best);
    double reach = 0.2 / (double)(1 << round);

    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < search->effort.brood; i++) {
            double sigma = log_uniform(search->rng, 0.003, fmax(reach, 0.003));
            mutate(search, pool_x(pool, best[k]), pool_u(pool, best[k]), sigma, which, place);
            (void)pool_add(pool, place);
        }
    }
}

/* ---- climbs ---------------------------------------------------------------------------------- */
struct climbers {
    struct acquisition *acquisition;
    struct points points; /* their categories stay, their numbers climb */
};

static void evaluate(void *context, const double x[], double value[], double gradient[])
{
    struct climbers *climbers = context;

    memcpy(climbers->points.num, x, climbers->points.n * climbers->points.n_num * sizeof *x);
    acquisition_score(climbers->acquisition, &climbers->points, value, gradient);
}

/* The unit of each smooth active number is its length scale; all else is held. */
static void take_scales(const struct search *search, const double x[], double scale[])
{
    const struct axes *f = search->axes;
    const struct kernel *kernel = &search->acquisition->gp->kernel;

    for (size_t k = 0; k < f->n_num; k++) {
        bool moves = f->is_smooth[f->num[k]] && !isnan(x[f->num[k]]);
        scale[k] = moves ? fmin(1.0 / sqrt(kernel->w_num[k]), 1.0) : 0.0;
    }
}

static int climb(struct search *search, struct pool *pool, size_t n, const size_t best[],
                 double place[], struct err *err)
{
    const struct axes *f = search->axes;
    size_t d = f->n_num;
    struct climbers climbers = {.acquisition = search->acquisition};
    OWN(memory) double *x = calloc(d * n + 1, sizeof *x);
    OWN(memory) double *scale = calloc(d * n + 1, sizeof *scale);
    double value[STARTS_MAX];

    if (x == NULL || scale == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    OWN(points) struct points points = {0};
    TRY(points_init(&points, d, f->n_cat, n, err));
    points.n = n;
    for (size_t j = 0; j < n; j++) {
        points_copy(&points, j, &pool->points, best[j]);
        memcpy(x + j * d, points_num(&points, j), d * sizeof *x);
        take_scales(search, pool_x(pool, best[j]), scale + j * d);
    }
    climbers.points = points;
    struct maximisation ascent = {.d = d,
                                  .m = n,
                                  .scale = scale,
                                  .steps = search->effort.climb_steps,
                                  .context = &climbers,
                                  .evaluate = evaluate};
    TRY(maximise_in_box(&ascent, x, value, err));
    for (size_t j = 0; j < n; j++) {
        memcpy(place, pool_u(pool, best[j]), pool->n_params * sizeof *place);
        for (size_t k = 0; k < d; k++) {
            if (scale[j * d + k] > 0.0) {
                place[f->num[k]] = x[j * d + k];
            }
        }
        (void)pool_add(pool, place);
    }
    return 0;
}

/* ---- exchanges --------------------------------------------------------------------------------
 */
/* Puts the candidate with one discrete parameter changed to each other value, or, where there are
 * many, to its neighbours. */
static void exchange_one(const struct search *search, struct pool *pool, size_t from, size_t i,
                         double place[])
{
    const struct param *param = &search->axes->space->params[i];
    double now = pool_x(pool, from)[i];
    double reach = param->step > 0.0 ? 2.5 * param->step : 2.5;
    bool all = param->n_cells <= EXCHANGE_ALL || search->axes->is_cat[i];

    memcpy(place, pool_u(pool, from), pool->n_params * sizeof *place);
    for (uint64_t c = 0; c < param->n_cells; c++) {
        double value = axes_cell(param, c);
        bool is_now = fabs(value - now) < 1e-9 * fmax(1.0, fabs(now));
        if (!is_now && (all || fabs(value - now) < reach)) {
            place[i] = param_encode(param, value);
            (void)pool_add(pool, place);
        }
    }
}

static void exchange(const struct search *search, struct pool *pool, size_t n, const size_t best[],
                     size_t which[], double place[])
{
    for (size_t k = 0; k < n; k++) {
        size_t count = movable(search->axes, pool_x(pool, best[k]), which);
        for (size_t j = 0; j < count; j++) {
            if (!search->axes->is_smooth[which[j]]) {
                exchange_one(search, pool, best[k], which[j], place);
            }
        }
    }
}

/* How many exchanges one candidate has. */
static size_t exchanges(const struct axes *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->space->n_params; i++) {
        if (f->cell[i] > 0.0 && !f->is_smooth[i]) {
            n += f->is_cat[i] || f->space->params[i].n_cells <= EXCHANGE_ALL
                     ? (size_t)f->space->params[i].n_cells
                     : 5;
        }
    }
    return n;
}

static int refine(struct search *search, struct pool *pool, size_t which[], double place[],
                  struct err *err)
{
    size_t best[STARTS_MAX];

    for (int cycle = 0; cycle < search->effort.cycles; cycle++) {
        size_t n = pool_best(pool, search->effort.starts, best);
        if (search->axes->n_num > 0 && n > 0) {
            TRY(climb(search, pool, n, best, place, err));
            score_new(search, pool);
            n = pool_best(pool, search->effort.starts, best);
        }
        exchange(search, pool, n, best, which, place);
        score_new(search, pool);
    }
    return 0;
}

int search_run(struct search *search, struct pool *pool, struct err *err)
{
    const struct effort *effort = &search->effort;
    size_t d = search->axes->space->n_params;
    size_t per_cycle = effort->starts * (1 + exchanges(search->axes));
    size_t cap = effort->candidates + (size_t)effort->rounds * effort->keep * effort->brood
                 + (size_t)effort->cycles * per_cycle;
    OWN(memory) double *place = calloc(2 * d + 1, sizeof *place);
    OWN(memory) size_t *which = calloc(d + 1, sizeof *which);

    if (place == NULL || which == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    TRY(pool_init(pool, search->axes, cap, err));
    add_uniform(search, pool, effort->candidates / 2, place);
    add_spray(search, pool, effort->candidates - effort->candidates / 2, which, place, place + d);
    score_new(search, pool);
    for (int round = 0; round < effort->rounds; round++) {
        add_broods(search, pool, round, which, place);
        score_new(search, pool);
    }
    return refine(search, pool, which, place, err);
}

/* ---- finite spaces ----------------------------------------------------------------------------
 */
/* Counts on to the next combination of cells; false after the last. */
static bool advance(const struct space *space, uint64_t cell[])
{
    for (size_t i = space->n_params; i-- > 0;) {
        if (++cell[i] < space->params[i].n_cells) {
            return true;
        }
        cell[i] = 0;
    }
    return false;
}

/* Combinations whose inactive parameters do not stand at their first value are repeats. */
static bool is_first(const struct space *space, const double x[], const uint64_t cell[])
{
    for (size_t i = 0; i < space->n_params; i++) {
        if (isnan(x[i]) && cell[i] != 0) {
            return false;
        }
    }
    return true;
}

int search_enumerate(const struct axes *axes, bool (*skip)(const void *context, const double x[]),
                     const void *context, struct pool *pool, struct err *err)
{
    const struct space *space = axes->space;
    OWN(memory) uint64_t *cell = calloc(space->n_params + 1, sizeof *cell);
    OWN(memory) double *x = calloc(space->n_params + 1, sizeof *x);

    if (cell == NULL || x == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    TRY(pool_init(pool, axes, (size_t)axes->cells_total, err));
    do {
        for (size_t i = 0; i < space->n_params; i++) {
            x[i] = axes_cell(&space->params[i], cell[i]);
        }
        (void)space_activate(space, x);
        if (is_first(space, x, cell) && space_satisfies(space, x) && !skip(context, x)) {
            (void)pool_add_config(pool, x);
        }
    } while (advance(space, cell));
    return 0;
}

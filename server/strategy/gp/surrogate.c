#include "server/strategy/gp/surrogate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/fit.h"

enum {
    FIT_POINTS_MAX = 300,    /* hyper-parameters are fitted to at most so many */
    FIT_BEST = 150,          /* the best of them; the rest is spread over all results */
    MODEL_POINTS_MAX = 1000, /* beyond, the model is local, so that an ask takes no longer … */
    MODEL_BEST = 300,        /* … of the best … */
    MODEL_LOCAL = 800,       /* … and, up to this many in all, the nearest to the incumbent */
    CURVES_MAX = 400,        /* of learning curves, which are many: the best half and a spread */
    FAILURES_MODELLED = 3,
    WHOLE_LEAST = 3, /* trials at the full resource, before beginnings tell anything */
    PENDING_MAX = 200,
    STARTS_MAX = 3,
    IDLE = 12,        /* results without a better one, after which … */
    CLOSER_MAX = 200, /* … and up to so many results a closer look pays */
    CLOSER_EVALUATIONS = 15
};

static const double ok_noise = 0.05;
static const char fit_magic[4] = {'g', 'p', '0', '1'};

struct fit_header {
    char magic[4];
    uint32_t n_theta;
    uint32_t has_ok;
    uint32_t reserved;
};

void belief_finish(struct belief *belief)
{
    gp_destroy(belief->gp);
    gp_destroy(belief->ok);
    guide_finish(&belief->guide);
    points_finish(&belief->points);
    points_finish(&belief->ok_points);
    points_finish(&belief->begun);
    free(belief->done);
    free(belief->y);
    free(belief->extra);
    free(belief->expected);
    free(belief->theta);
    *belief = (struct belief){0};
}

/* ---- stored fits ----------------------------------------------------------------------------- */
void *belief_fit_bytes(const struct belief *belief, size_t *bytes)
{
    size_t n = belief->n_theta;
    struct fit_header header = {.n_theta = (uint32_t)n, .has_ok = belief->ok != NULL};
    char *data = malloc(sizeof header + 2 * n * sizeof(double));

    if (data == NULL) {
        return NULL;
    }
    memcpy(header.magic, fit_magic, sizeof header.magic);
    *bytes = sizeof header + (header.has_ok ? 2 : 1) * n * sizeof(double);
    memcpy(data, &header, sizeof header);
    memcpy(data + sizeof header, belief->theta, (header.has_ok ? 2 : 1) * n * sizeof(double));
    return data;
}

/* The newest stored fit of this shape that the history reaches; NULL without one. */
static const struct fit *newest_fit(const struct history *seen, size_t n_theta, uint64_t n_finished,
                                    struct fit_header *header)
{
    for (size_t i = seen->n_fits; i-- > 0;) {
        const struct fit *fit = &seen->fits[i];
        if (fit->bytes < sizeof *header || fit->n_seen > n_finished) {
            continue;
        }
        memcpy(header, fit->data, sizeof *header);
        size_t sets = header->has_ok ? 2 : 1;
        if (memcmp(header->magic, fit_magic, sizeof fit_magic) == 0 && header->n_theta == n_theta
            && fit->bytes == sizeof *header + sets * n_theta * sizeof(double)) {
            return fit;
        }
    }
    *header = (struct fit_header){0};
    return NULL;
}

static bool is_due(uint64_t n, uint64_t fitted_at)
{
    return n <= 30 ? fitted_at < n : n - fitted_at >= (n + 19) / 20;
}

/* ---- which results --------------------------------------------------------------------------- */
struct ranked {
    double key;
    size_t index;
};

static int by_key(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;

    if (x->key < y->key || x->key > y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return (x->index > y->index) - (x->index < y->index);
}

static int by_index(const void *a, const void *b)
{
    size_t x = ((const struct ranked *)a)->index;
    size_t y = ((const struct ranked *)b)->index;

    return (x > y) - (x < y);
}

static double distance(const struct points *points, size_t i, size_t j)
{
    double sum = 0.0;

    for (size_t k = 0; k < points->n_num; k++) {
        double delta = points_num(points, i)[k] - points_num(points, j)[k];
        sum += delta * delta;
    }
    for (size_t k = 0; k < points->n_cat; k++) {
        sum += points_cat(points, i)[k] != points_cat(points, j)[k] ? 0.5 : 0.0;
    }
    return sum;
}

/* order[0 … k-1] ← the `best` best by cost and then the nearest to the very best, or, with
 * `spread`, every so many-th of the others; in the order of their numbers. */
static int choose(const struct points *points, size_t n, const double cost[], size_t best, size_t k,
                  bool spread, struct ranked order[], struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        order[i] = (struct ranked){cost[i], i};
    }
    if (n <= k) {
        return 0;
    }
    qsort(order, n, sizeof *order, by_key);
    size_t top = order[0].index;
    if (spread) {
        OWN(memory) struct ranked *rest = calloc(n - best, sizeof *rest);
        if (rest == NULL) {
            return err_set(err, ERR_NOMEM, "no memory for a model");
        }
        memcpy(rest, order + best, (n - best) * sizeof *rest);
        for (size_t i = best; i < k; i++) {
            order[i] = rest[(i - best) * (n - best) / (k - best)];
        }
    } else {
        for (size_t i = best; i < n; i++) {
            order[i].key = distance(points, order[i].index, top);
        }
        qsort(order + best, n - best, sizeof *order, by_key);
    }
    qsort(order, k, sizeof *order, by_index);
    return 0;
}

/* ---- hyper-parameters ------------------------------------------------------------------------ */
/* Active numbers and categories of a trial, on average: the D of the length scales' prior. */
static void count_active(const struct axes *f, const struct rows *rows, double *num, double *cat)
{
    double sum_num = 0.0;
    double sum_cat = 0.0;

    for (size_t i = 0; i < rows->n; i++) {
        for (size_t k = 0; k < f->n_num; k++) {
            sum_num += !isnan(rows->x[i][f->num[k]]);
        }
        for (size_t k = 0; k < f->n_cat; k++) {
            sum_cat += !isnan(rows->x[i][f->cat[k]]);
        }
    }
    *num = rows->n == 0 ? 0.0 : sum_num / (double)rows->n;
    *cat = rows->n == 0 ? 0.0 : sum_cat / (double)rows->n;
}

/* Evaluations of one climb: a warm start on much data has little left to climb. */
static int fit_evaluations(size_t n)
{
    return n <= 100 ? 30 : n <= 200 ? 20 : 10;
}

/* theta ← MAP of (points, y), from `warm` (or NULL) and, where results are few or it is time, from
 * the prior's middle and from shorter lengths. */
static int fit_theta(const struct points *points, const double y[], const double extra[],
                     enum gp_mean mean, const struct fit_prior *prior, const double warm[],
                     bool afresh, int evaluations, double theta[], double *value, struct err *err)
{
    OWN(marginal_likelihood) struct marginal_likelihood *evidence = NULL;
    OWN(memory) double *starts = calloc(STARTS_MAX * prior->n, sizeof *starts);
    size_t n = 0;

    if (starts == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a fit");
    }
    if (warm != NULL) {
        memcpy(starts + prior->n * n++, warm, prior->n * sizeof *warm);
    }
    if (afresh || warm == NULL) {
        double *mode = starts + prior->n * n++;
        double *shorter = starts + prior->n * n++;
        for (size_t i = 0; i < prior->n; i++) {
            mode[i] = prior->mean[i];
            shorter[i] = prior->mean[i] - (i + 2 < prior->n ? 1.2 : 0.0);
        }
    }
    TRY(marginal_likelihood_create(points, y, extra, mean, &evidence, err));
    const struct fit_starts from = {n, starts, evaluations};
    return fit_map(evidence, prior, &from, theta, value, err);
}

/* The same on a part of many rows. */
static int fit_subset(const struct points *points, const struct rows *rows,
                      const struct fit_prior *prior, const double warm[], bool afresh,
                      int evaluations, double theta[], double *value, struct err *err)
{
    size_t n = points->n;
    size_t k = n < FIT_POINTS_MAX ? n : FIT_POINTS_MAX;
    OWN(points) struct points part = {0};
    OWN(memory) struct ranked *order = calloc(n + 1, sizeof *order);
    OWN(memory) double *y = calloc(2 * k + 1, sizeof *y);

    if (order == NULL || y == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a fit");
    }
    double *extra = y + k;
    TRY(choose(points, n, rows->y, FIT_BEST, k, true, order, err));
    TRY(points_init(&part, points->n_num, points->n_cat, k, err));
    for (size_t i = 0; i < k; i++) {
        points_copy(&part, i, points, order[i].index);
        y[i] = rows->y[order[i].index] - rows->expected[order[i].index];
        extra[i] = rows->extra[order[i].index];
    }
    part.n = k;
    return fit_theta(&part, y, extra, GP_MEAN_POLYNOMIAL, prior, warm, afresh, evaluations, theta,
                     value, err);
}

/* ---- older studies ----------------------------------------------------------------------------
 */
enum { EXPECTED_AT_ONCE = 256 };

/* expected ← what the older studies say of the points from … from + n-1. */
static int expect(const struct belief *b, const struct points *points, size_t from, size_t n,
                  double expected[], struct err *err)
{
    OWN(points) struct points part = {0};

    if (b->guide.prior_mean == NULL || n == 0) {
        return 0;
    }
    TRY(points_init(&part, points->n_num, points->n_cat, EXPECTED_AT_ONCE, err));
    for (size_t i = 0; i < n; i += part.n) {
        part.n = n - i < EXPECTED_AT_ONCE ? n - i : EXPECTED_AT_ONCE;
        for (size_t k = 0; k < part.n; k++) {
            points_copy(&part, k, points, from + i + k);
        }
        prior_mean_add(b->guide.prior_mean, &part, 1, expected + i);
    }
    return 0;
}

/* How far they are followed, judged by the results alone, and what they say of every row. */
static int listen(struct belief *b, const struct study_def *study, const struct axes *f,
                  const struct trials *trials, const struct history *seen, const struct points *all,
                  struct rows *rows, struct err *err)
{
    struct points measured = *all; /* failures stand behind them */

    measured.n -= trials->n_failed;
    TRY(guide_init(&b->guide, study, f, seen, err));
    TRY(guide_weigh(&b->guide, &measured, rows->y, study->seed, err));
    return expect(b, all, 0, all->n, rows->expected, err);
}

/* ---- the objective --------------------------------------------------------------------------- */
/* The subject's row takes the place of the worst one if it is not among those that were chosen. */
static void keep_subject(struct belief *b, const struct rows *rows, size_t n, struct ranked order[])
{
    size_t worst = 0;

    b->own_y = (double)NAN;
    b->own_var = (double)NAN;
    for (size_t i = 0; b->subject != NULL && i < rows->n; i++) {
        if (rows->x[i] != b->subject) {
            continue;
        }
        b->own_y = rows->y[i];
        b->own_var = rows->extra[i] / rows->noisier;
        for (size_t k = 0; k < n; k++) {
            if (order[k].index == i) {
                return;
            }
            worst = rows->y[order[k].index] > rows->y[order[worst].index] ? k : worst;
        }
        order[worst].index = i;
        qsort(order, n, sizeof *order, by_index);
        return;
    }
}

/* Keeps the rows that the model takes, and the newest running trials after them. */
static int assemble(struct belief *b, const struct axes *f, const struct trials *trials,
                    const struct points *all, const struct rows *rows, bool with_pending,
                    struct err *err)
{
    OWN(memory) struct ranked *order = calloc(all->n + 1, sizeof *order);
    size_t most = rows->has_curves ? CURVES_MAX : MODEL_POINTS_MAX;
    size_t n = all->n <= most ? all->n : rows->has_curves ? CURVES_MAX : MODEL_LOCAL;
    size_t best = rows->has_curves ? CURVES_MAX / 2 : MODEL_BEST;
    size_t p = trials->n_pending < PENDING_MAX ? trials->n_pending : PENDING_MAX;

    p = with_pending ? p : 0;
    b->y = calloc(n + 1, sizeof *b->y);
    b->extra = calloc(n + 1, sizeof *b->extra);
    b->expected = calloc(n + p + 1, sizeof *b->expected);
    b->done = calloc(n + 1, sizeof *b->done);
    if (order == NULL || b->y == NULL || b->extra == NULL || b->expected == NULL
        || b->done == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(choose(all, all->n, rows->y, best, n, rows->has_curves, order, err));
    keep_subject(b, rows, n, order);
    TRY(points_init(&b->points, f->n_num, f->n_cat, n + p, err));
    for (size_t i = 0; i < n; i++) {
        points_copy(&b->points, i, all, order[i].index);
        b->expected[i] = rows->expected[order[i].index];
        b->y[i] = rows->y[order[i].index] - b->expected[i];
        b->extra[i] = rows->extra[order[i].index];
        b->done[i] = rows->x[order[i].index];
    }
    for (size_t i = 0; i < p; i++) {
        axes_put(f, trials->pending[trials->n_pending - p + i], &b->points, n + i);
    }
    b->points.n = n + p;
    b->n = n;
    return expect(b, &b->points, n, p, b->expected + n, err);
}

/* begun ← the rows that are carried curves, once a few have come to their end. */
static int collect_begun(struct belief *b, const struct rows *rows, struct err *err)
{
    TRY(points_init(&b->begun, b->points.n_num, b->points.n_cat, b->n, err));
    for (size_t i = 0; i < b->n && rows->n_whole >= WHOLE_LEAST; i++) {
        if (b->extra[i] > 0.0) {
            points_copy(&b->begun, b->begun.n++, &b->points, i);
        }
    }
    return 0;
}

/* The posterior, and the incumbent: with noise the best value seen is the luckiest one, so that the
 * best mean stands for it; among curves only one that has come to its end counts. */
static int condition(struct belief *b, const struct rows *rows, struct rng *rng, struct err *err)
{
    size_t p = b->points.n - b->n;
    OWN(memory) double *eps = calloc(p * FANTASIES + 1, sizeof *eps);

    if (eps == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    for (size_t i = 0; i < p * FANTASIES; i++) {
        eps[i] = rng_normal(rng);
    }
    const struct gp_data data = {.x = &b->points,
                                 .p = p,
                                 .y = b->y,
                                 .extra = b->extra,
                                 .theta = b->theta,
                                 .mean = GP_MEAN_POLYNOMIAL,
                                 .n_fantasies = FANTASIES,
                                 .eps = eps};
    TRY(gp_create(&data, &b->gp, err));
    for (size_t i = 0; i < p * b->gp->n_fantasies; i++) {
        b->gp->y_pending[i] += b->expected[b->n + i % p];
    }
    b->best = rows->has_curves ? rows->best : (double)INFINITY;
    if (isfinite(b->best)) {
        return 0;
    }
    bool is_noisy = rows->has_curves || b->gp->noise > 1e-3;
    for (size_t i = 0; i < b->n; i++) {
        double y = is_noisy ? b->gp->mean_observed[i] : b->y[i];
        b->best = fmin(b->best, y + b->expected[i]);
    }
    return 0;
}

/* ---- failures -------------------------------------------------------------------------------- */
/* Where trials fail: a regression on +1 (went well) and −1 (failed). */
static int learn_failures(struct belief *b, const struct axes *f, const struct trials *trials,
                          const struct fit_prior *prior, const double warm[], struct err *err)
{
    size_t failed = trials->n_failed < FIT_POINTS_MAX ? trials->n_failed : FIT_POINTS_MAX;
    size_t well = trials->n_done < FIT_POINTS_MAX ? trials->n_done : FIT_POINTS_MAX;
    size_t n = failed + well;
    OWN(memory) double *label = calloc(n + 1, sizeof *label);
    double value = 0.0;

    if (label == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(points_init(&b->ok_points, f->n_num, f->n_cat, n, err));
    for (size_t i = 0; i < n; i++) { /* the newest of each */
        bool is_well = i < well;
        label[i] = is_well ? 1.0 : -1.0;
        axes_put(f,
                 is_well ? trials->done[trials->n_done - well + i]
                         : trials->failed[trials->n_failed - failed + i - well],
                 &b->ok_points, i);
    }
    b->ok_points.n = n;
    if (b->fitted) {
        TRY(fit_theta(&b->ok_points, label, NULL, GP_MEAN_CONSTANT, prior, warm, warm == NULL,
                      fit_evaluations(n), b->ok_theta, &value, err));
        b->ok_theta[prior->n - 1] = fmax(b->ok_theta[prior->n - 1], log(ok_noise));
    } else {
        memcpy(b->ok_theta, warm == NULL ? prior->mean : warm, prior->n * sizeof *b->ok_theta);
    }
    const struct gp_data data = {.x = &b->ok_points,
                                 .y = label,
                                 .theta = b->ok_theta,
                                 .mean = GP_MEAN_CONSTANT,
                                 .n_fantasies = 1};
    return gp_create(&data, &b->ok, err);
}

/* theta ← a new fit if one is due, else the newest stored one. */
static int take_theta(struct belief *b, const struct points *all, const struct rows *rows,
                      const struct trials *trials, const struct history *seen,
                      const struct fit_prior *prior, double stored[], bool *has_ok, struct err *err)
{
    struct fit_header header = {0};
    const struct fit *fit = newest_fit(seen, b->n_theta, trials->n_finished, &header);

    if (fit != NULL) {
        memcpy(stored, (const char *)fit->data + sizeof header, fit->bytes - sizeof header);
    }
    *has_ok = header.has_ok;
    b->fitted = fit == NULL || is_due(trials->n_finished, fit->n_seen);
    b->fit_n_seen = b->fitted ? trials->n_finished : fit->n_seen;
    if (!b->fitted) {
        memcpy(b->theta, stored, b->n_theta * sizeof *stored);
        return 0;
    }
    uint64_t seldom = trials->n_finished < 100 ? 10 : 50;
    bool afresh = trials->n_finished < 15 || trials->n_finished % seldom == 0;
    return fit_subset(all, rows, prior, fit == NULL ? NULL : stored, afresh,
                      fit_evaluations(all->n < FIT_POINTS_MAX ? all->n : FIT_POINTS_MAX), b->theta,
                      &b->log_posterior, err);
}

/* Looks closer where it is time to. What is fitted for it is not stored: it follows from the
 * results, and the next ask goes by the other fit again. */
static int look_closer(struct belief *b, const struct points *all, struct rows *rows,
                       const struct fit_prior *prior, struct err *err)
{
    bool is_time = !b->fitted && !rows->has_curves && b->guide.prior_mean == NULL
                   && rows->n_whole % 2 == 1 && rows->n_whole <= CLOSER_MAX
                   && rows_idle(rows) > IDLE;

    if (!is_time || !rows_look_closer(rows)) {
        return 0;
    }
    b->is_closer = true;
    b->transform = rows->transform;
    return fit_subset(all, rows, prior, NULL, true, CLOSER_EVALUATIONS, b->theta, &b->log_posterior,
                      err);
}

static int learn(struct belief *b, const struct study_def *study, const struct axes *f,
                 const struct trials *trials, const struct history *seen, struct rng *rng,
                 struct err *err)
{
    OWN(rows) struct rows rows = {0};
    OWN(points) struct points all = {0};
    OWN(fit_prior) struct fit_prior prior = {0};
    OWN(memory) double *stored = calloc(2 * b->n_theta, sizeof *stored);
    bool has_ok = false;
    double num = 0.0;
    double cat = 0.0;

    if (stored == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(rows_init(&rows, study, trials, err));
    b->transform = rows.transform;
    TRY(points_init(&all, f->n_num, f->n_cat, rows.n, err));
    for (size_t i = 0; i < rows.n; i++) {
        axes_put(f, rows.x[i], &all, i);
    }
    all.n = rows.n;
    count_active(f, &rows, &num, &cat);
    TRY(fit_prior_init(&prior, &all, num, cat, err));
    TRY(listen(b, study, f, trials, seen, &all, &rows, err));
    TRY(take_theta(b, &all, &rows, trials, seen, &prior, stored, &has_ok, err));
    if (trials->n_failed >= FAILURES_MODELLED) {
        TRY(learn_failures(b, f, trials, &prior, has_ok ? stored + b->n_theta : NULL, err));
    }
    TRY(look_closer(b, &all, &rows, &prior, err));
    TRY(assemble(b, f, trials, &all, &rows, rng != NULL, err));
    if (trials_may_stop(study)) {
        TRY(collect_begun(b, &rows, err));
    }
    return condition(b, &rows, rng, err);
}

int belief_init(struct belief *belief, const struct study_def *study, const struct axes *axes,
                const struct trials *trials, const struct history *seen, const double *subject,
                struct rng *rng, struct err *err)
{
    *belief = (struct belief){.n_theta = axes_count(axes) + 2, .subject = subject};
    belief->theta = calloc(2 * belief->n_theta, sizeof *belief->theta);
    if (belief->theta == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    belief->ok_theta = belief->theta + belief->n_theta;
    return learn(belief, study, axes, trials, seen, rng, err);
}

static double mean_at(const struct belief *belief, size_t i)
{
    return belief->gp->mean_observed[i] + belief->expected[i];
}

size_t belief_best(const struct belief *belief, size_t k, size_t order[])
{
    size_t n = 0;

    for (size_t i = 0; i < belief->n; i++) {
        size_t at = n;
        while (at > 0 && mean_at(belief, i) < mean_at(belief, order[at - 1])) {
            at--;
        }
        if (at < k) {
            size_t last = n < k ? n++ : k - 1;
            memmove(order + at + 1, order + at, (last - at) * sizeof *order);
            order[at] = i;
        }
    }
    return n;
}

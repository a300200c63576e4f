#include "server/strategy/guide.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "server/model/fit.h"
#include "server/model/transform.h"
#include "server/strategy/trials.h"

enum {
    ELDER_LEAST = 5,   /* results without which a source has no model */
    ELDER_CLIMBS = 60, /* evaluations of its fit, from each start */
    RANKED_MAX = 80,   /* results that sources are judged by: an even spread of more */
    OWN_CLIMBS = 25,
    SAMPLES = 100,
    POINTS_PER_CALL = 256
};

static const double loss_max = 0.45;   /* of ½, which is chance */
static const double slope_prior = 2.0; /* results' worth of a slope of 1 */
static const double slope_max = 5.0;
static const char magic[4] = {'t', 'r', '0', '1'};

struct header {
    char magic[4];
    uint32_t n_elders;
    uint64_t n_theta; /* of all of them */
};

void guide_finish(struct guide *guide)
{
    for (size_t i = 0; i < guide->n; i++) {
        struct elder *elder = &guide->elders[i];
        gp_destroy(elder->gp);
        points_finish(&elder->points);
        free(elder->num);
        free(elder->y);
        free(elder->theta);
    }
    trend_destroy(guide->trend);
    *guide = (struct guide){0};
}

/* ---- one source ------------------------------------------------------------------------------ */
/* Does any of its rows know the parameter? */
static bool knows(const struct source *source, size_t param)
{
    for (size_t i = 0; i < source->n; i++) {
        if (!isnan(source->items[i].x[param])) {
            return true;
        }
    }
    return false;
}

static int find_coordinates(struct elder *elder, const struct axes *axes, size_t *n_num,
                            size_t *n_cat, struct err *err)
{
    elder->num = calloc(axes->n_num + axes->n_cat + 1, sizeof *elder->num);
    if (elder->num == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    elder->cat = elder->num + axes->n_num;
    *n_num = *n_cat = 0;
    for (size_t k = 0; k < axes->n_num; k++) {
        if (knows(elder->source, axes->num[k])) {
            elder->num[(*n_num)++] = k;
        }
    }
    for (size_t k = 0; k < axes->n_cat; k++) {
        if (knows(elder->source, axes->cat[k])) {
            elder->cat[(*n_cat)++] = k;
        }
    }
    return 0;
}

/* As axes_put(), but numbers stand beyond the edges where they do. */
static void put(const struct elder *elder, const struct axes *axes, const double x[],
                struct points *points, size_t i)
{
    for (size_t k = 0; k < points->n_num; k++) {
        size_t p = axes->num[elder->num[k]];
        points_num(points, i)[k] =
            isnan(x[p]) ? 0.5 : transfer_place(&axes->space->params[p], x[p]);
    }
    for (size_t k = 0; k < points->n_cat; k++) {
        size_t p = axes->cat[elder->cat[k]];
        points_cat(points, i)[k] =
            (int32_t)(isnan(x[p]) ? (double)axes->space->params[p].n_choices : x[p]);
    }
}

/* A pruned row counts as at least as bad as the median of the complete ones (trials.h). */
static int take_results(struct elder *elder, const struct study_def *study, const struct axes *axes,
                        struct err *err)
{
    OWN(trials) struct trials trials = {0};
    struct history own = {.n = elder->source->n, .items = elder->source->items};
    struct transform transform;
    size_t n_num = 0;
    size_t n_cat = 0;

    TRY(find_coordinates(elder, axes, &n_num, &n_cat, err));
    TRY(trials_init(&trials, study, &own, err));
    TRY(points_init(&elder->points, n_num, n_cat, trials.n_done + 1, err));
    elder->y = calloc(trials.n_done + 1, sizeof *elder->y);
    if (elder->y == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(transform_fit(&transform, trials.n_done, trials.cost, err));
    for (size_t i = 0; i < trials.n_done; i++) {
        put(elder, axes, trials.done[i], &elder->points, i);
        elder->y[i] = transform_apply(&transform, trials.cost[i]);
    }
    elder->points.n = trials.n_done;
    return 0;
}

/* theta ← MAP from the middle of the prior and, with `twice`, from shorter lengths. */
static int fit(const struct points *points, const double y[], bool twice, int evaluations,
               double theta[], struct err *err)
{
    OWN(fit_prior) struct fit_prior prior = {0};
    OWN(gp_evidence) struct gp_evidence *evidence = NULL;
    double value = 0.0;

    TRY(fit_prior_init(&prior, points, (double)points->n_num, (double)points->n_cat, err));
    OWN(memory) double *starts = calloc(2 * prior.n, sizeof *starts);
    if (starts == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a fit");
    }
    for (size_t i = 0; i < prior.n; i++) {
        starts[i] = prior.mean[i];
        starts[prior.n + i] = prior.mean[i] - (i + 2 < prior.n ? 1.2 : 0.0);
    }
    TRY(gp_evidence_create(points, y, NULL, GP_MEAN_DRIFT, &evidence, err));
    return fit_map(evidence, &prior, twice ? 2 : 1, starts, evaluations, theta, &value, err);
}

/* Its model, from a stored theta or (NULL) a new one. One that no model stands on says nothing. */
static int model(struct elder *elder, const double stored[], struct err *err)
{
    size_t n_theta = gp_n_theta(&elder->points);
    struct err why = {0};

    elder->theta = calloc(n_theta, sizeof *elder->theta);
    if (elder->theta == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    if (stored != NULL) {
        memcpy(elder->theta, stored, n_theta * sizeof *stored);
    }
    if (elder->points.n < ELDER_LEAST || n_theta == 2) {
        return 0;
    }
    if ((stored != NULL
         || fit(&elder->points, elder->y, true, ELDER_CLIMBS, elder->theta, &why) == 0)
        && gp_create(&elder->points, 0, elder->y, NULL, elder->theta, GP_MEAN_DRIFT, 1, NULL,
                     &elder->gp, &why)
               == 0) {
        return 0;
    }
    return why.code == ERR_NUMERIC ? 0 : err_set(err, why.code, "%s", why.text);
}

/* ---- all of them ----------------------------------------------------------------------------- */
static size_t count_theta(const struct guide *guide)
{
    size_t n = 0;

    for (size_t i = 0; i < guide->n; i++) {
        n += gp_n_theta(&guide->elders[i].points);
    }
    return n;
}

void *guide_fit_bytes(const struct guide *guide, size_t *bytes)
{
    struct header header = {.n_elders = (uint32_t)guide->n, .n_theta = count_theta(guide)};
    size_t at = sizeof header;
    char *data = malloc(at + header.n_theta * sizeof(double));

    if (data == NULL) {
        return NULL;
    }
    memcpy(header.magic, magic, sizeof magic);
    memcpy(data, &header, sizeof header);
    for (size_t i = 0; i < guide->n; i++) {
        size_t size = gp_n_theta(&guide->elders[i].points) * sizeof(double);
        memcpy(data + at, guide->elders[i].theta, size);
        at += size;
    }
    *bytes = at;
    return data;
}

/* theta ← the stored fits of these sources; false: there are none. */
static bool find_fits(const struct guide *guide, const struct history *seen, double theta[])
{
    size_t n_theta = count_theta(guide);
    struct header header;

    for (size_t i = 0; i < seen->n_fits; i++) {
        const struct fit *fit = &seen->fits[i];
        if (fit->bytes != sizeof header + n_theta * sizeof(double)) {
            continue;
        }
        memcpy(&header, fit->data, sizeof header);
        if (memcmp(header.magic, magic, sizeof magic) == 0 && header.n_elders == guide->n
            && header.n_theta == n_theta) {
            memcpy(theta, (const char *)fit->data + sizeof header, n_theta * sizeof *theta);
            return true;
        }
    }
    return false;
}

int guide_init(struct guide *guide, const struct study_def *study, const struct axes *axes,
               const struct history *seen, struct err *err)
{
    *guide = (struct guide){0};
    for (size_t i = 0; i < seen->n_sources && i < SOURCES_MAX; i++) {
        guide->elders[i].source = &seen->sources[i];
        guide->elders[i].loss = NAN;
        guide->n++;
        TRY(take_results(&guide->elders[i], study, axes, err));
    }
    if (guide->n == 0) {
        return 0;
    }
    OWN(memory) double *theta = calloc(count_theta(guide), sizeof *theta);
    if (theta == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    guide->fitted = !find_fits(guide, seen, theta);
    const double *next = theta;
    for (size_t i = 0; i < guide->n; i++) {
        TRY(model(&guide->elders[i], guide->fitted ? NULL : next, err));
        next += gp_n_theta(&guide->elders[i].points);
    }
    return 0;
}

/* ---- weights --------------------------------------------------------------------------------- */
/* The results that the sources are judged by, and what each model says of them. */
struct trial_run {
    size_t n;
    struct points points;
    double *y, *memory;
    double *said[SOURCES_MAX + 1]; /* by each source (NULL: it has no model), then by our own */
    unsigned *counts;              /* of a bootstrap sample */
};

static void trial_run_finish(struct trial_run *run)
{
    points_finish(&run->points);
    free(run->memory);
    free(run->counts);
}
OWN_VALUE(trial_run)

static int choose_results(struct trial_run *run, const struct points *points, const double y[],
                          struct err *err)
{
    run->n = points->n < RANKED_MAX ? points->n : RANKED_MAX;
    run->memory = calloc((SOURCES_MAX + 2) * run->n + 1, sizeof *run->memory);
    run->counts = calloc(run->n + 1, sizeof *run->counts);
    if (run->memory == NULL || run->counts == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    run->y = run->memory;
    TRY(points_init(&run->points, points->n_num, points->n_cat, run->n + 1, err));
    for (size_t i = 0; i < run->n; i++) {
        size_t from = i * points->n / run->n;
        points_copy(&run->points, i, points, from);
        run->y[i] = y[from];
    }
    run->points.n = run->n;
    return 0;
}

/* said ← the source's means. */
static int ask_elder(const struct elder *elder, const struct trial_run *run, double said[],
                     struct err *err)
{
    OWN(trend) struct trend *trend = NULL;
    struct trend_part part = {.gp = elder->gp, .num = elder->num, .cat = elder->cat, .weight = 1.0};

    TRY(trend_create(1, &part, run->n, &trend, err));
    trend_add(trend, &run->points, 1, said);
    return 0;
}

/* said ← what our own results say of each other: leave-one-out means. */
static int ask_ourselves(const struct trial_run *run, double said[], struct err *err)
{
    OWN(gp_evidence) struct gp_evidence *evidence = NULL;
    OWN(memory) double *theta = calloc(gp_n_theta(&run->points), sizeof *theta);
    OWN(memory) double *var = calloc(run->n + 1, sizeof *var);

    if (theta == NULL || var == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(fit(&run->points, run->y, false, OWN_CLIMBS, theta, err));
    TRY(gp_evidence_create(&run->points, run->y, NULL, GP_MEAN_DRIFT, &evidence, err));
    return gp_leave_one_out(evidence, theta, said, var, err);
}

static int ask_all(const struct guide *guide, struct trial_run *run, struct err *err)
{
    for (size_t k = 0; k < guide->n; k++) {
        if (guide->elders[k].gp != NULL) {
            run->said[k] = run->memory + (k + 1) * run->n;
            TRY(ask_elder(&guide->elders[k], run, run->said[k], err));
        }
    }
    run->said[guide->n] = run->memory + (guide->n + 1) * run->n;
    return ask_ourselves(run, run->said[guide->n], err);
}

/* Share of the pairs, each as often as both were drawn, that `said` puts the wrong way round; pairs
 * of equal results tell nothing, equal sayings are half wrong. */
static double rank_loss(const struct trial_run *run, const double said[])
{
    double wrong = 0.0;
    double all = 0.0;

    for (size_t i = 0; i < run->n; i++) {
        for (size_t j = 0; j < i && run->counts[i] > 0; j++) {
            double delta = run->y[i] - run->y[j];
            double told = said[i] - said[j];
            double weight = delta > 0.0 || delta < 0.0 ? run->counts[i] * run->counts[j] : 0.0;
            all += weight;
            wrong += weight * (delta * told > 0.0 ? 0.0 : delta * told < 0.0 ? 1.0 : 0.5);
        }
    }
    return all > 0.0 ? wrong / all : 0.5;
}

/* losses[k] ← each model's loss over one bootstrap sample. */
static void resample(struct trial_run *run, size_t n, struct rng *rng, double losses[])
{
    memset(run->counts, 0, run->n * sizeof *run->counts);
    for (size_t i = 0; i < run->n; i++) {
        run->counts[rng_below(rng, run->n)]++;
    }
    for (size_t k = 0; k <= n; k++) {
        losses[k] = run->said[k] == NULL ? (double)INFINITY : rank_loss(run, run->said[k]);
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* What our own loss exceeds in one sample of twenty. */
static double own_bound(size_t n, double (*losses)[SOURCES_MAX + 1])
{
    double own[SAMPLES];

    for (size_t s = 0; s < SAMPLES; s++) {
        own[s] = losses[s][n];
    }
    qsort(own, SAMPLES, sizeof *own, by_size);
    return own[SAMPLES * 95 / 100];
}

/* One vote, shared among the admitted that err least. */
static void vote(const bool admitted[], size_t n, const double losses[], double weights[])
{
    double least = INFINITY;
    double winners = 0.0;

    for (size_t k = 0; k < n; k++) {
        least = admitted[k] ? fmin(least, losses[k]) : least;
    }
    for (size_t k = 0; k < n; k++) {
        winners += admitted[k] && losses[k] <= least;
    }
    for (size_t k = 0; k < n; k++) {
        if (admitted[k] && losses[k] <= least) {
            weights[k] += 1.0 / (winners * SAMPLES);
        }
    }
}

/* Leaves out the sources that do not help, and lets the samples vote on the others. */
static void elect(struct guide *guide, struct trial_run *run, uint64_t seed)
{
    double losses[SAMPLES][SOURCES_MAX + 1];
    double weights[SOURCES_MAX] = {0};
    bool admitted[SOURCES_MAX] = {0};
    struct rng rng = rng_for(seed, 0);

    for (size_t i = 0; i < run->n; i++) {
        run->counts[i] = 1;
    }
    guide->own_loss = rank_loss(run, run->said[guide->n]);
    for (size_t k = 0; k < guide->n; k++) {
        guide->elders[k].loss = run->said[k] == NULL ? (double)NAN : rank_loss(run, run->said[k]);
    }
    for (size_t s = 0; s < SAMPLES; s++) {
        resample(run, guide->n, &rng, losses[s]);
    }
    double bound = fmin(own_bound(guide->n, losses), loss_max);
    for (size_t k = 0; k < guide->n; k++) {
        admitted[k] = guide->elders[k].loss <= bound;
    }
    for (size_t s = 0; s < SAMPLES; s++) {
        vote(admitted, guide->n, losses[s], weights);
    }
    for (size_t k = 0; k < guide->n; k++) {
        guide->elders[k].weight = weights[k];
        guide->is_followed = guide->is_followed || admitted[k];
    }
}

/* The slope of the results on the sources' weighted mean, drawn towards 1 while there are few. */
static double regress(const struct guide *guide, const struct trial_run *run)
{
    double n = (double)run->n;
    double mean_x = 0.0;
    double mean_y = 0.0;
    double xx = 0.0;
    double xy = 0.0;

    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < run->n; i++) {
            double x = 0.0;
            for (size_t k = 0; k < guide->n; k++) {
                double weight = guide->elders[k].weight;
                x += weight > 0.0 ? weight * run->said[k][i] : 0.0;
            }
            if (pass == 0) {
                mean_x += x / n;
                mean_y += run->y[i] / n;
            } else {
                xx += (x - mean_x) * (x - mean_x);
                xy += (x - mean_x) * (run->y[i] - mean_y);
            }
        }
    }
    return fmin(fmax((slope_prior + xy) / (slope_prior + xx), 0.0), slope_max);
}

int guide_weigh(struct guide *guide, const struct points *points, const double y[], uint64_t seed,
                struct err *err)
{
    OWN(trial_run) struct trial_run run = {0};
    struct trend_part parts[SOURCES_MAX];
    struct err why = {0};

    guide->own_loss = NAN;
    if (guide->n == 0 || points->n < 3) {
        return 0;
    }
    TRY(choose_results(&run, points, y, err));
    if (ask_all(guide, &run, &why) != 0) { /* results that no model stands on judge nobody */
        return why.code == ERR_NUMERIC ? 0 : err_set(err, why.code, "%s", why.text);
    }
    elect(guide, &run, seed);
    if (!guide->is_followed) {
        return 0;
    }
    guide->slope = regress(guide, &run);
    for (size_t k = 0; k < guide->n; k++) {
        const struct elder *elder = &guide->elders[k];
        parts[k] = (struct trend_part){.gp = elder->gp,
                                       .num = elder->num,
                                       .cat = elder->cat,
                                       .weight = guide->slope * elder->weight};
    }
    return trend_create(guide->n, parts, POINTS_PER_CALL, &guide->trend, err);
}

void guide_write(const struct guide *guide, struct json_writer *w)
{
    json_write_key(w, "after");
    json_array_begin(w);
    for (size_t k = 0; k < guide->n; k++) {
        const struct elder *elder = &guide->elders[k];
        json_object_begin(w);
        json_put_string(w, "study", elder->source->name);
        json_put_int(w, "trials", (int64_t)elder->source->n);
        if (isfinite(elder->loss)) {
            json_put_number(w, "rank_loss", elder->loss);
        }
        json_put_number(w, "weight", elder->weight);
        json_object_end(w);
    }
    json_array_end(w);
    if (isfinite(guide->own_loss)) {
        json_put_number(w, "own_rank_loss", guide->own_loss);
    }
    if (guide->is_followed) {
        json_put_number(w, "slope", guide->slope);
    }
}

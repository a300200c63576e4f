#include "server/strategy/gp/transfer_prior.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/fit.h"
#include "server/model/transform.h"
#include "server/strategy/evaluations.h"

enum {
    ELDER_LEAST = 5,   /* results without which a source has no model */
    ELDER_CLIMBS = 60, /* evaluations of its fit, from each start */
    OWN_CLIMBS = 25,   /* of our own model, at each suggestion */
    POINTS_PER_CALL = 256
};

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
    prior_mean_destroy(guide->prior_mean);
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
    OWN(marginal_likelihood) struct marginal_likelihood *evidence = NULL;
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
    TRY(marginal_likelihood_create(points, y, NULL, GP_MEAN_POLYNOMIAL, &evidence, err));
    const struct fit_starts from = {twice ? 2 : 1, starts, evaluations};
    return fit_map(evidence, &prior, &from, theta, &value, err);
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
        && gp_create(&(struct gp_data){.x = &elder->points,
                                       .y = elder->y,
                                       .theta = elder->theta,
                                       .mean = GP_MEAN_POLYNOMIAL,
                                       .n_fantasies = 1},
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
        guide->n++;
        TRY(take_results(&guide->elders[i], study, axes, err));
    }
    if (guide->n == 0) {
        return 0;
    }
    OWN(memory) double *theta = calloc(count_theta(guide) + 1, sizeof *theta);
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
struct hearing {
    size_t n;
    struct points points;
    double *y, *own, *memory;
    double *said[SOURCES_MAX]; /* NULL: it has no model */
};

static void hearing_finish(struct hearing *hearing)
{
    points_finish(&hearing->points);
    free(hearing->memory);
}
OWN_VALUE(hearing)

/* Of many results an even spread. */
static int choose_results(struct hearing *hearing, const struct points *points, const double y[],
                          struct err *err)
{
    size_t n = points->n < JUDGED_MAX ? points->n : JUDGED_MAX;

    hearing->n = n;
    hearing->memory = calloc((SOURCES_MAX + 2) * n + 1, sizeof *hearing->memory);
    if (hearing->memory == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    hearing->y = hearing->memory;
    hearing->own = hearing->memory + n;
    TRY(points_init(&hearing->points, points->n_num, points->n_cat, n, err));
    for (size_t i = 0; i < n; i++) {
        size_t from = i * points->n / n;
        points_copy(&hearing->points, i, points, from);
        hearing->y[i] = y[from];
    }
    hearing->points.n = n;
    return 0;
}

/* said ← the source's means. */
static int ask_elder(const struct elder *elder, const struct hearing *hearing, double said[],
                     struct err *err)
{
    OWN(prior_mean) struct prior_mean *prior_mean = NULL;
    struct prior_mean_term part = {
        .gp = elder->gp, .num = elder->num, .cat = elder->cat, .weight = 1.0};

    TRY(prior_mean_create(1, &part, hearing->n, &prior_mean, err));
    prior_mean_add(prior_mean, &hearing->points, 1, said);
    return 0;
}

/* What our own results say of each other: leave-one-out means. */
static int ask_ourselves(struct hearing *hearing, struct err *err)
{
    OWN(marginal_likelihood) struct marginal_likelihood *evidence = NULL;
    OWN(memory) double *theta = calloc(gp_n_theta(&hearing->points), sizeof *theta);
    OWN(memory) double *var = calloc(hearing->n + 1, sizeof *var);

    if (theta == NULL || var == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(fit(&hearing->points, hearing->y, false, OWN_CLIMBS, theta, err));
    TRY(marginal_likelihood_create(&hearing->points, hearing->y, NULL, GP_MEAN_POLYNOMIAL,
                                   &evidence, err));
    return marginal_likelihood_leave_one_out(evidence, theta, hearing->own, var, err);
}

static int ask_all(const struct guide *guide, struct hearing *hearing, struct err *err)
{
    for (size_t k = 0; k < guide->n; k++) {
        if (guide->elders[k].gp != NULL) {
            hearing->said[k] = hearing->memory + (k + 2) * hearing->n;
            TRY(ask_elder(&guide->elders[k], hearing, hearing->said[k], err));
        }
    }
    return ask_ourselves(hearing, err);
}

/* The sources that are followed become one mean function. */
static int follow(struct guide *guide, struct err *err)
{
    struct prior_mean_term parts[SOURCES_MAX];

    for (size_t k = 0; k < guide->n; k++) {
        const struct elder *elder = &guide->elders[k];
        parts[k] = (struct prior_mean_term){.gp = elder->gp,
                                            .num = elder->num,
                                            .cat = elder->cat,
                                            .weight = guide->verdict.trust * guide->verdict.slope
                                                      * guide->verdict.weight[k]};
    }
    return prior_mean_create(guide->n, parts, POINTS_PER_CALL, &guide->prior_mean, err);
}

int guide_weigh(struct guide *guide, const struct points *points, const double y[], uint64_t seed,
                struct err *err)
{
    OWN(hearing) struct hearing hearing = {0};
    struct err why = {0};

    if (guide->n == 0 || points->n < 3) {
        return 0;
    }
    TRY(choose_results(&hearing, points, y, err));
    if (ask_all(guide, &hearing, &why) != 0) { /* results that no model stands on judge nobody */
        return why.code == ERR_NUMERIC ? 0 : err_set(err, why.code, "%s", why.text);
    }
    guide->judged = true;
    judge(hearing.n, hearing.y, guide->n, (const double *const *)hearing.said, hearing.own, seed,
          &guide->verdict);
    return guide->verdict.any ? follow(guide, err) : 0;
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
        if (guide->judged && elder->gp != NULL) {
            json_put_number(w, "rank_loss", guide->verdict.loss[k]);
        }
        json_put_number(w, "weight", guide->verdict.weight[k]);
        json_object_end(w);
    }
    json_array_end(w);
    if (guide->judged) {
        json_put_number(w, "own_rank_loss", guide->verdict.own_loss);
    }
    if (guide->verdict.any) {
        json_put_number(w, "trust", guide->verdict.trust);
        json_put_number(w, "slope", guide->verdict.slope);
    }
}

#include "server/strategy/gp/transfer_prior.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/fit.h"
#include "server/model/transform.h"

enum {
    RESULTS_LEAST = 5,       /* a source with fewer results has no model */
    SOURCE_EVALUATIONS = 60, /* of the posterior of a source's fit, from each start */
    OWN_EVALUATIONS = 25,    /* of the own model's fit, for each suggestion */
    POINTS_PER_CALL = 256
};

static const char magic[4] = {'t', 'r', '0', '1'};

/* The beginning of the stored fits; then theta of each model. */
struct transfer_fit_header {
    char magic[4];
    uint32_t n_models;
    uint64_t n_theta; /* of all models together */
};

void transfer_prior_finish(struct transfer_prior *prior)
{
    for (size_t i = 0; i < prior->n; i++) {
        struct source_model *model = &prior->models[i];
        gp_destroy(model->gp);
        points_finish(&model->points);
        free(model->num);
        free(model->y);
        free(model->theta);
    }
    prior_mean_destroy(prior->prior_mean);
    *prior = (struct transfer_prior){0};
}

/* ---- one source ------------------------------------------------------------------------------ */
/* Whether any trial of the source has a value of the parameter. */
static bool knows(const struct source *source, size_t param)
{
    for (size_t i = 0; i < source->n; i++) {
        if (!isnan(source->items[i].config[param])) {
            return true;
        }
    }
    return false;
}

static int select_dimensions(struct source_model *model, const struct encoding *encoding,
                             size_t *n_num, size_t *n_cat, struct err *err)
{
    model->num = calloc(encoding_n_dims(encoding) + 1, sizeof *model->num);
    if (model->num == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    model->cat = model->num + encoding->n_num;
    *n_num = *n_cat = 0;
    for (size_t k = 0; k < encoding->n_num; k++) {
        if (knows(model->source, encoding->num[k])) {
            model->num[(*n_num)++] = k;
        }
    }
    for (size_t k = 0; k < encoding->n_cat; k++) {
        if (knows(model->source, encoding->cat[k])) {
            model->cat[(*n_cat)++] = k;
        }
    }
    return 0;
}

/* points[i] ← the encoded row, as by encoding_put(), except that numbers may lie outside [0, 1]. */
static void put_row(const struct source_model *model, const struct encoding *encoding,
                    const double row[], struct points *points, size_t i)
{
    const struct param *params = encoding->space->params;

    for (size_t k = 0; k < points->n_num; k++) {
        size_t p = encoding->num[model->num[k]];
        points_active(points, i)[k] = !isnan(row[p]);
        points_num(points, i)[k] = isnan(row[p]) ? 0.5 : transfer_place(&params[p], row[p]);
    }
    for (size_t k = 0; k < points->n_cat; k++) {
        size_t p = encoding->cat[model->cat[k]];
        points_active(points, i)[points->n_num + k] = !isnan(row[p]);
        points_cat(points, i)[k] = (int32_t)(isnan(row[p]) ? (double)params[p].n_choices : row[p]);
    }
}

/* The results of the source; pruned trials count as in evaluations.h. */
static int take_results(struct source_model *model, const struct study_data *data, struct err *err)
{
    OWN(evaluations) struct evaluations evaluations = {0};
    const struct history own = {.n = model->source->n, .items = model->source->items};
    struct transform transform;
    size_t n_num = 0;
    size_t n_cat = 0;

    TRY(select_dimensions(model, &data->encoding, &n_num, &n_cat, err));
    TRY(evaluations_init(&evaluations, data->study, &own, err));
    size_t n = evaluations.n_done;
    TRY(points_init(&model->points, n_num, n_cat, n + 1, err));
    model->y = calloc(n + 1, sizeof *model->y);
    if (model->y == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(transform_fit(&transform, n, evaluations.cost, err));
    for (size_t i = 0; i < n; i++) {
        put_row(model, &data->encoding, evaluations.done[i], &model->points, i);
        model->y[i] = transform_apply(&transform, evaluations.cost[i]);
    }
    model->points.n = n;
    return 0;
}

/* theta ← the MAP fit from the mode of the prior and, if n_starts is 2, from shorter length scales.
 */
static int fit_theta(const struct points *points, const double y[], struct fit_starts starts,
                     double theta[], struct err *err)
{
    OWN(fit_prior) struct fit_prior prior = {0};
    OWN(marginal_likelihood) struct marginal_likelihood *likelihood = NULL;
    double value = 0.0;

    TRY(fit_prior_init(&prior, points, (double)points->n_num, (double)points->n_cat, err));
    OWN(memory) double *from = calloc(2 * prior.n, sizeof *from);
    if (from == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a fit");
    }
    for (size_t i = 0; i < prior.n; i++) {
        from[i] = prior.mean[i];
        from[prior.n + i] = prior.mean[i] - (i < gp_theta_lengths(points) ? 1.2 : 0.0);
    }
    TRY(marginal_likelihood_create(points, y, NULL, GP_MEAN_POLYNOMIAL, &likelihood, err));
    starts.theta = from;
    return fit_map(likelihood, &prior, &starts, theta, &value, err);
}

/* Makes the model of a source, from a stored theta or (NULL) a new fit. Leaves model->gp NULL where
 * there are too few results, or they cannot be modelled. */
static int build_model(struct source_model *model, const double stored[], const atomic_bool *stop,
                       struct err *err)
{
    size_t n_theta = gp_n_theta(&model->points);
    struct err why = {0};

    model->theta = calloc(n_theta, sizeof *model->theta);
    if (model->theta == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    if (stored != NULL) {
        memcpy(model->theta, stored, n_theta * sizeof *stored);
    }
    if (model->points.n < RESULTS_LEAST || gp_theta_lengths(&model->points) == 0) {
        return 0;
    }
    const struct gp_data data = {.x = &model->points,
                                 .y = model->y,
                                 .theta = model->theta,
                                 .mean = GP_MEAN_POLYNOMIAL,
                                 .n_fantasies = 1};
    if ((stored != NULL
         || fit_theta(&model->points, model->y,
                      (struct fit_starts){2, NULL, SOURCE_EVALUATIONS, false, stop}, model->theta,
                      &why)
                == 0)
        && gp_create(&data, &model->gp, &why) == 0) {
        return 0;
    }
    return why.code == ERR_NUMERIC ? 0 : err_set(err, why.code, "%s", why.text);
}

/* ---- all sources ----------------------------------------------------------------------------- */
static size_t count_theta(const struct transfer_prior *prior)
{
    size_t n = 0;

    for (size_t i = 0; i < prior->n; i++) {
        n += gp_n_theta(&prior->models[i].points);
    }
    return n;
}

void *transfer_prior_fit_bytes(const struct transfer_prior *prior, size_t *bytes)
{
    struct transfer_fit_header header = {.n_models = (uint32_t)prior->n,
                                         .n_theta = count_theta(prior)};
    size_t at = sizeof header;
    char *data = malloc(at + header.n_theta * sizeof(double));

    if (data == NULL) {
        return NULL;
    }
    memcpy(header.magic, magic, sizeof magic);
    memcpy(data, &header, sizeof header);
    for (size_t i = 0; i < prior->n; i++) {
        size_t size = gp_n_theta(&prior->models[i].points) * sizeof(double);
        memcpy(data + at, prior->models[i].theta, size);
        at += size;
    }
    *bytes = at;
    return data;
}

/* theta ← the stored fits of these sources; false: there are none. */
static bool find_fits(const struct transfer_prior *prior, const struct history *seen,
                      double theta[])
{
    size_t n_theta = count_theta(prior);
    struct transfer_fit_header header;

    for (size_t i = 0; i < seen->n_fits; i++) {
        const struct fit *fit = &seen->fits[i];
        if (fit->bytes != sizeof header + n_theta * sizeof(double)) {
            continue;
        }
        memcpy(&header, fit->data, sizeof header);
        if (memcmp(header.magic, magic, sizeof magic) == 0 && header.n_models == prior->n
            && header.n_theta == n_theta) {
            memcpy(theta, (const char *)fit->data + sizeof header, n_theta * sizeof *theta);
            return true;
        }
    }
    return false;
}

int transfer_prior_init(struct transfer_prior *prior, const struct study_data *data,
                        struct err *err)
{
    const struct history *seen = data->seen;

    *prior = (struct transfer_prior){.stop = seen->stop};
    for (size_t i = 0; i < seen->n_sources && i < SOURCES_MAX; i++) {
        prior->models[i].source = &seen->sources[i];
        prior->n++;
        TRY(take_results(&prior->models[i], data, err));
    }
    if (prior->n == 0) {
        return 0;
    }
    OWN(memory) double *theta = calloc(count_theta(prior) + 1, sizeof *theta);
    if (theta == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    prior->is_new_fit = !find_fits(prior, seen, theta);
    const double *next = theta;
    for (size_t i = 0; i < prior->n; i++) {
        TRY(build_model(&prior->models[i], prior->is_new_fit ? NULL : next, prior->stop, err));
        next += gp_n_theta(&prior->models[i].points);
    }
    return 0;
}

/* ---- weights --------------------------------------------------------------------------------- */
/* The results on which the models are compared, with scratch for their predictions. */
struct evaluation_set {
    struct points points;
    double *y, *predictions; /* predictions: n for the own model, then n for each source */
};

static void evaluation_set_finish(struct evaluation_set *set)
{
    points_finish(&set->points);
    free(set->y);
}
OWN_VALUE(evaluation_set)

/* Of many results an even spread. */
static int evaluation_set_init(struct evaluation_set *set, const struct points *points,
                               const double y[], struct err *err)
{
    size_t n = points->n < RANKED_MAX ? points->n : RANKED_MAX;

    set->y = calloc((SOURCES_MAX + 2) * n + 1, sizeof *set->y);
    if (set->y == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    set->predictions = set->y + n;
    TRY(points_init(&set->points, points->n_num, points->n_cat, n, err));
    for (size_t i = 0; i < n; i++) {
        size_t from = i * points->n / n;
        points_copy(&set->points, i, points, from);
        set->y[i] = y[from];
    }
    set->points.n = n;
    return 0;
}

/* out ← the source's posterior means. */
static int predict_with_source(const struct source_model *model, const struct points *points,
                               double out[], struct err *err)
{
    OWN(prior_mean) struct prior_mean *mean = NULL;
    const struct prior_mean_term term = {
        .gp = model->gp, .num = model->num, .cat = model->cat, .weight = 1.0};

    TRY(prior_mean_create(1, &term, points->n, &mean, err));
    prior_mean_add(mean, points, 1, out);
    return 0;
}

/* out ← leave-one-out predictions of a model of this study's results alone. */
static int predict_left_out(const struct evaluation_set *set, const atomic_bool *stop, double out[],
                            struct err *err)
{
    OWN(marginal_likelihood) struct marginal_likelihood *likelihood = NULL;
    OWN(memory) double *theta = calloc(gp_n_theta(&set->points), sizeof *theta);
    OWN(memory) double *var = calloc(set->points.n + 1, sizeof *var);

    if (theta == NULL || var == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(fit_theta(&set->points, set->y, (struct fit_starts){1, NULL, OWN_EVALUATIONS, false, stop},
                  theta, err));
    TRY(marginal_likelihood_create(&set->points, set->y, NULL, GP_MEAN_POLYNOMIAL, &likelihood,
                                   err));
    return marginal_likelihood_leave_one_out(likelihood, theta, out, var, err);
}

static int predict_all(const struct transfer_prior *prior, struct evaluation_set *set,
                       struct rank_data *ranks, struct err *err)
{
    size_t n = set->points.n;

    *ranks =
        (struct rank_data){.n = n, .n_sources = prior->n, .y = set->y, .own = set->predictions};
    for (size_t k = 0; k < prior->n; k++) {
        if (prior->models[k].gp != NULL) {
            double *out = set->predictions + (k + 1) * n;
            ranks->of_source[k] = out;
            TRY(predict_with_source(&prior->models[k], &set->points, out, err));
        }
    }
    return predict_left_out(set, prior->stop, set->predictions, err);
}

/* The prior mean: the weighted sum of the source models. */
static int combine(struct transfer_prior *prior, struct err *err)
{
    const struct rank_weights *weights = &prior->weights;
    struct prior_mean_term terms[SOURCES_MAX];

    for (size_t k = 0; k < prior->n; k++) {
        const struct source_model *model = &prior->models[k];
        terms[k] = (struct prior_mean_term){.gp = model->gp,
                                            .num = model->num,
                                            .cat = model->cat,
                                            .weight = weights->ensemble_weight * weights->slope
                                                      * weights->weight[k]};
    }
    return prior_mean_create(prior->n, terms, POINTS_PER_CALL, &prior->prior_mean, err);
}

int transfer_prior_weight(struct transfer_prior *prior, const struct points *points,
                          const double y[], uint64_t seed, struct err *err)
{
    OWN(evaluation_set) struct evaluation_set set = {0};
    struct rank_data ranks;
    struct err why = {0};

    if (prior->n == 0 || points->n < 3) {
        return 0;
    }
    TRY(evaluation_set_init(&set, points, y, err));
    if (predict_all(prior, &set, &ranks, &why) != 0) { /* ERR_NUMERIC: the sources stay unused */
        return why.code == ERR_NUMERIC ? 0 : err_set(err, why.code, "%s", why.text);
    }
    prior->is_weighted = true;
    rank_weights_compute(&ranks, seed, &prior->weights);
    return prior->weights.any ? combine(prior, err) : 0;
}

void transfer_prior_write(const struct transfer_prior *prior, struct json_writer *w)
{
    const struct rank_weights *weights = &prior->weights;

    json_write_key(w, "after");
    json_array_begin(w);
    for (size_t k = 0; k < prior->n; k++) {
        const struct source_model *model = &prior->models[k];
        json_object_begin(w);
        json_put_string(w, "study", model->source->name);
        json_put_int(w, "trials", (int64_t)model->source->n);
        if (prior->is_weighted && model->gp != NULL) {
            json_put_number(w, "rank_loss", weights->loss[k]);
        }
        json_put_number(w, "weight", weights->weight[k]);
        json_object_end(w);
    }
    json_array_end(w);
    if (prior->is_weighted) {
        json_put_number(w, "own_rank_loss", weights->own_loss);
    }
    if (weights->any) {
        json_put_number(w, "trust", weights->ensemble_weight);
        json_put_number(w, "slope", weights->slope);
    }
}

#include "server/strategy/gp/metric_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/strategy/gp/result_subset.h"

/* The reasons for these numbers are in tests/bench/choices.md. */
enum {
    FIT_POINTS_MAX = 300,    /* hyper-parameters are fitted to at most so many results: */
    FIT_BEST = 150,          /* the best of them, and a spread over the others */
    MODEL_POINTS_MAX = 1000, /* with more results the model is local, which bounds its cost: */
    MODEL_BEST = 300,        /* the best of them, */
    MODEL_LOCAL = 800,       /* and, up to so many in all, the nearest to the incumbent */
    CURVES_MAX = 400,        /* of learning curves: the best half, and a spread */
    PENDING_MAX = 200,
    OFFSETS_AT_ONCE = 256
};

static const double noise_least = 1e-3; /* variance from which a metric is noisy */

/* ---- the rows -------------------------------------------------------------------------------- */
void metric_data_finish(struct metric_data *metric)
{
    regression_data_finish(&metric->rows);
    points_finish(&metric->points);
    fit_prior_finish(&metric->prior);
}

/* Active numbers and categories of a row, on average: the D of the length scales' prior. */
static void count_active(const struct encoding *encoding, const struct regression_data *rows,
                         double *num, double *cat)
{
    double sum_num = 0.0;
    double sum_cat = 0.0;

    for (size_t i = 0; i < rows->n; i++) {
        for (size_t k = 0; k < encoding->n_num; k++) {
            sum_num += !isnan(rows->config[i][encoding->num[k]]);
        }
        for (size_t k = 0; k < encoding->n_cat; k++) {
            sum_cat += !isnan(rows->config[i][encoding->cat[k]]);
        }
    }
    *num = rows->n == 0 ? 0.0 : sum_num / (double)rows->n;
    *cat = rows->n == 0 ? 0.0 : sum_cat / (double)rows->n;
}

static int init_rows(struct metric_data *metric, const struct study_data *data, size_t index,
                     struct err *err)
{
    const struct study_def *study = data->study;
    const struct evaluations *evaluations = &data->evaluations;

    return index < study->n_objectives
               ? regression_data_init(&metric->rows, study, evaluations, index, err)
               : regression_data_init_bounded(&metric->rows, study, evaluations,
                                              index - study->n_objectives, &metric->limit, err);
}

int metric_data_init(struct metric_data *metric, const struct study_data *data, size_t index,
                     struct err *err)
{
    const struct encoding *encoding = &data->encoding;
    double num = 0.0;
    double cat = 0.0;

    TRY(init_rows(metric, data, index, err));
    size_t n = metric->rows.n;
    TRY(points_init(&metric->points, encoding->n_num, encoding->n_cat, n, err));
    for (size_t i = 0; i < n; i++) {
        encoding_put(encoding, metric->rows.config[i], &metric->points, i);
    }
    metric->points.n = n;
    count_active(encoding, &metric->rows, &num, &cat);
    return fit_prior_init(&metric->prior, &metric->points, num, cat, err);
}

/* offset[0 … n-1] += the prior mean (or NULL) at points from … from + n - 1. */
static int add_offsets(struct prior_mean *prior_mean, const struct points *points, size_t from,
                       size_t n, double offset[], struct err *err)
{
    OWN(points) struct points part = {0};

    if (prior_mean == NULL || n == 0) {
        return 0;
    }
    TRY(points_init(&part, points->n_num, points->n_cat, OFFSETS_AT_ONCE, err));
    for (size_t i = 0; i < n; i += part.n) {
        part.n = n - i < OFFSETS_AT_ONCE ? n - i : OFFSETS_AT_ONCE;
        for (size_t k = 0; k < part.n; k++) {
            points_copy(&part, k, points, from + i + k);
        }
        prior_mean_add(prior_mean, &part, 1, offset + i);
    }
    return 0;
}

int metric_data_set_prior_mean(struct metric_data *metric, struct prior_mean *prior_mean,
                               struct err *err)
{
    return add_offsets(prior_mean, &metric->points, 0, metric->points.n, metric->rows.prior_mean,
                       err);
}

/* ---- hyper-parameters ------------------------------------------------------------------------ */
int metric_model_fit_theta(const struct metric_data *metric, const double merit[],
                           const struct theta_search *search, double theta[], struct err *err)
{
    const struct points *points = &metric->points;
    const struct regression_data *rows = &metric->rows;
    size_t n = points->n;
    size_t k = n < FIT_POINTS_MAX ? n : FIT_POINTS_MAX;
    const struct result_subset subset = {.n = k, .best = FIT_BEST, .is_spread = true};
    struct theta_search sized = *search;
    OWN(points) struct points part = {0};
    OWN(marginal_likelihood) struct marginal_likelihood *likelihood = NULL;
    OWN(memory) struct result_key *order = calloc(n + 1, sizeof *order);
    OWN(memory) double *y = calloc(2 * k + 1, sizeof *y);

    if (order == NULL || y == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a fit");
    }
    double *extra = y + k;
    TRY(result_subset_choose(points, merit, &subset, order, err));
    TRY(points_init(&part, points->n_num, points->n_cat, k, err));
    for (size_t i = 0; i < k; i++) {
        points_copy(&part, i, points, order[i].index);
        y[i] = rows->y[order[i].index] - rows->prior_mean[order[i].index];
        extra[i] = rows->extra[order[i].index];
    }
    part.n = k;
    sized.evaluations = search->evaluations > 0 ? search->evaluations : theta_evaluations(k);
    TRY(marginal_likelihood_create(&part, y, extra, GP_MEAN_POLYNOMIAL, &likelihood, err));
    return theta_fit(likelihood, &metric->prior, &sized, theta, err);
}

/* ---- the model ------------------------------------------------------------------------------- */
void metric_model_finish(struct metric_model *model)
{
    gp_destroy(model->gp);
    points_finish(&model->points);
    free(model->config);
    free(model->row);
    free(model->merit);
    free(model->y);
    free(model->extra);
    free(model->offset);
    *model = (struct metric_model){0};
}

/* Notes the subject's own value, and takes its row into the n selected ones. */
static void include_subject(struct metric_model *model, const struct regression_data *rows,
                            const double merit[], const double *subject, size_t n,
                            struct result_key order[])
{
    model->own_y = (double)NAN;
    model->own_var = (double)NAN;
    for (size_t i = 0; subject != NULL && i < rows->n; i++) {
        if (rows->config[i] == subject) {
            model->own_y = rows->y[i];
            model->own_var = rows->extra[i] / rows->variance_factor;
            result_subset_include(i, merit, n, order);
            return;
        }
    }
}

static int allocate(struct metric_model *model, size_t n, size_t p, struct err *err)
{
    model->y = calloc(n + 1, sizeof *model->y);
    model->extra = calloc(n + 1, sizeof *model->extra);
    model->offset = calloc(n + p + 1, sizeof *model->offset);
    model->config = calloc(n + 1, sizeof *model->config);
    model->row = calloc(n + 1, sizeof *model->row);
    model->merit = calloc(n + 1, sizeof *model->merit);
    return model->y == NULL || model->extra == NULL || model->offset == NULL
                   || model->config == NULL || model->row == NULL || model->merit == NULL
               ? err_set(err, ERR_NOMEM, "no memory for a model")
               : 0;
}

int metric_model_take(struct metric_model *model, const struct metric_data *metric,
                      const struct study_data *data, const double merit[], const double *subject,
                      bool with_pending, struct err *err)
{
    const struct regression_data *rows = &metric->rows;
    const struct points *all = &metric->points;
    const struct evaluations *evaluations = &data->evaluations;
    size_t n_pending = evaluations->n_pending;
    size_t p = !with_pending ? 0 : n_pending < PENDING_MAX ? n_pending : PENDING_MAX;
    size_t most = rows->has_curves ? CURVES_MAX : MODEL_POINTS_MAX;
    size_t n = all->n <= most ? all->n : rows->has_curves ? CURVES_MAX : MODEL_LOCAL;
    const struct result_subset subset = {.n = n,
                                         .best = rows->has_curves ? CURVES_MAX / 2 : MODEL_BEST,
                                         .is_spread = rows->has_curves};
    OWN(memory) struct result_key *order = calloc(all->n + 1, sizeof *order);

    if (order == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(allocate(model, n, p, err));
    TRY(result_subset_choose(all, merit, &subset, order, err));
    include_subject(model, rows, merit, subject, n, order);
    TRY(points_init(&model->points, all->n_num, all->n_cat, n + p, err));
    for (size_t i = 0; i < n; i++) {
        size_t row = order[i].index;
        points_copy(&model->points, i, all, row);
        model->offset[i] = rows->prior_mean[row];
        model->y[i] = rows->y[row] - model->offset[i];
        model->extra[i] = rows->extra[row];
        model->config[i] = rows->config[row];
        model->row[i] = row;
        model->merit[i] = merit[row];
    }
    for (size_t i = 0; i < p; i++) {
        encoding_put(&data->encoding, evaluations->pending[n_pending - p + i], &model->points,
                     n + i);
    }
    model->points.n = n + p;
    model->n = n;
    model->transform = rows->transform;
    model->limit = metric->limit;
    return add_offsets(model->prior_mean, &model->points, n, p, model->offset + n, err);
}

int metric_model_condition(struct metric_model *model, struct rng *rng, struct err *err)
{
    size_t p = model->points.n - model->n;
    OWN(memory) double *eps = calloc(p * FANTASIES + 1, sizeof *eps);

    if (eps == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    for (size_t i = 0; rng != NULL && i < p * FANTASIES; i++) {
        eps[i] = rng_normal(rng);
    }
    const struct gp_data data = {.x = &model->points,
                                 .p = p,
                                 .y = model->y,
                                 .extra = model->extra,
                                 .theta = model->theta,
                                 .mean = GP_MEAN_POLYNOMIAL,
                                 .n_fantasies = FANTASIES,
                                 .eps = rng == NULL ? NULL : eps};
    TRY(gp_create(&data, &model->gp, err));
    for (size_t i = 0; i < p * model->gp->n_fantasies; i++) {
        model->gp->y_pending[i] += model->offset[model->n + i % p];
    }
    return 0;
}

void metric_model_find_best(struct metric_model *model, const struct metric_data *metric,
                            const bool feasible[])
{
    const struct regression_data *rows = &metric->rows;

    model->best = rows->has_curves && feasible == NULL ? rows->best : (double)INFINITY;
    if (isfinite(model->best)) {
        return;
    }
    bool is_noisy = rows->has_curves || metric_model_is_noisy(model);
    for (size_t i = 0; i < model->n; i++) {
        double y = is_noisy ? model->gp->mean_observed[i] : model->y[i];
        if (feasible == NULL || feasible[model->row[i]]) {
            model->best = fmin(model->best, y + model->offset[i]);
        }
    }
}

/* ---- what it says ---------------------------------------------------------------------------- */
bool metric_model_is_noisy(const struct metric_model *model)
{
    return model->gp->noise > noise_least;
}

double metric_model_mean_at(const struct metric_model *model, size_t i)
{
    return model->gp->mean_observed[i] + model->offset[i];
}

double metric_model_scale(const struct metric_model *model)
{
    return model->transform.sd > 0.0 ? model->transform.sd : 1.0;
}

double metric_model_value(const struct metric_model *model, const struct study_def *study,
                          double transformed)
{
    double cost = model->transform.mean + metric_model_scale(model) * transformed;

    if (model->index < study->n_objectives) {
        return value_from_cost(study, model->index, cost);
    }
    return study->bounds[model->index - study->n_objectives].is_lower ? -cost : cost;
}

int metric_model_predict(const struct metric_model *model, const struct points *point,
                         struct metric_prediction *prediction, struct err *err)
{
    size_t n_fantasies = model->gp->n_fantasies;
    OWN(gp_batch) struct gp_batch *batch = NULL;

    TRY(gp_batch_create(model->gp, 1, false, &batch, err));
    gp_predict(model->gp, batch, point);
    if (model->prior_mean != NULL) {
        prior_mean_add(model->prior_mean, point, n_fantasies, batch->mean);
    }
    *prediction = (struct metric_prediction){.var = batch->var[0]};
    for (size_t s = 0; s < n_fantasies; s++) {
        prediction->mean += batch->mean[s] / (double)n_fantasies;
    }
    return 0;
}

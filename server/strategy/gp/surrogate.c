#include "server/strategy/gp/surrogate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/nondominated.h"

/* The reasons for these numbers are in tests/bench/choices.md. */
enum {
    FULL_LEAST = 3,        /* results at the full resource, before truncated curves are avoided */
    STAGNATION = 12,       /* results without improvement, after which a local refit is made, */
    LOCAL_REFIT_MAX = 200, /* with up to so many results */
    LOCAL_EVALUATIONS = 15 /* of the posterior */
};

static const double least_gain = 3e-3;

void surrogate_finish(struct surrogate *surrogate)
{
    for (size_t k = 0; k < surrogate->n_metrics; k++) {
        metric_model_finish(&surrogate->metrics[k]);
    }
    feasibility_model_finish(&surrogate->feasibility);
    transfer_prior_finish(&surrogate->transfer_prior);
    pareto_set_finish(&surrogate->pareto);
    points_finish(&surrogate->truncated);
    free(surrogate->theta);
    *surrogate = (struct surrogate){0};
}

void *surrogate_fit_bytes(const struct surrogate *surrogate, size_t *bytes)
{
    return stored_fit_bytes(&surrogate->shape, surrogate->theta, bytes);
}

/* ---- hyper-parameters ------------------------------------------------------------------------ */
/* What surrogate_fit() works with. */
struct fitting {
    struct surrogate *surrogate;
    const struct study_data *data;
    struct metric_data metrics[MODELLED_MAX];
    double *rank;        /* of the rows, with several objectives: which ones dominate none */
    const double *merit; /* of the rows, smaller is better: the only objective, or the rank */
    double *stored,
        *made; /* theta of the newest stored fit; one allocation: scratch of equal size */
    struct fit_shape shape; /* of that fit; n_metrics is 0 without one */
    bool is_made;           /* the new fit is the stored theta: it was made before */
};

static void fitting_finish(struct fitting *fitting)
{
    for (size_t k = 0; k < MODELLED_MAX; k++) {
        metric_data_finish(&fitting->metrics[k]);
    }
    free(fitting->rank);
    free(fitting->stored);
}
OWN_VALUE(fitting)

static double *stored_theta(const struct fitting *fitting, size_t model)
{
    return fitting->stored + model * fitting->surrogate->shape.n_theta;
}

/* Where the history has the new fit made, reads it. */
static bool find_made(struct fitting *fitting)
{
    const struct surrogate *s = fitting->surrogate;
    const struct fit *made = fitting->data->seen->made;
    struct fit_shape shape = s->shape;

    if (made == NULL || made->n_seen != s->fit_n_seen
        || !stored_fit_read(made, &shape, fitting->made)
        || shape.has_feasibility != s->shape.has_feasibility) {
        return false;
    }
    memcpy(fitting->stored, fitting->made, fit_shape_count(&shape) * sizeof *fitting->stored);
    fitting->shape = shape;
    return true;
}

/* Decides whether a new fit is due, and reads the newest stored fit, or that which was made. */
static void find_fit(struct fitting *fitting)
{
    struct surrogate *s = fitting->surrogate;
    uint64_t n_finished = fitting->data->evaluations.n_finished;
    struct fit_shape shape = s->shape;
    const struct fit *fit =
        stored_fit_newest(fitting->data->seen, n_finished, &shape, fitting->stored);

    if (fit != NULL) {
        fitting->shape = shape;
    }
    s->is_new_fit = fit == NULL || stored_fit_is_due(n_finished, fit->n_seen);
    s->fit_n_seen = s->is_new_fit ? n_finished : fit->n_seen;
    fitting->is_made = s->is_new_fit && find_made(fitting);
}

/* theta of the metrics ← a new fit if one is due, else the stored one. */
static int choose_theta(struct fitting *fitting, struct err *err)
{
    struct surrogate *s = fitting->surrogate;
    uint64_t n_finished = fitting->data->evaluations.n_finished;
    uint64_t period = n_finished < 100 ? 10 : 50;
    bool is_fitted = s->is_new_fit && !fitting->is_made;

    for (size_t k = 0; k < s->n_metrics; k++) {
        const double *stored = stored_theta(fitting, k);
        const struct theta_search search = {.warm = fitting->shape.n_metrics == 0 ? NULL : stored,
                                            .afresh = n_finished < 15 || n_finished % period == 0,
                                            .stop = fitting->data->seen->stop};
        double *theta = s->metrics[k].theta;
        if (is_fitted) {
            TRY(metric_model_fit_theta(&fitting->metrics[k], fitting->merit, &search, theta, err));
        } else {
            memcpy(theta, stored, s->shape.n_theta * sizeof *theta);
        }
    }
    return 0;
}

/* Makes a local refit where it is time for one. Its hyper-parameters are not stored: they follow
 * from the results, and the next suggestion uses the regular fit again. */
static int refit_locally(struct fitting *fitting, struct err *err)
{
    struct surrogate *s = fitting->surrogate;
    struct regression_data *rows = &fitting->metrics[0].rows;
    const struct theta_search search = {
        .afresh = true, .evaluations = LOCAL_EVALUATIONS, .stop = fitting->data->seen->stop};
    bool is_time = !s->is_new_fit && s->n_metrics == 1 && !rows->has_curves
                   && s->transfer_prior.prior_mean == NULL && rows->n_full % 2 == 1
                   && rows->n_full <= LOCAL_REFIT_MAX
                   && regression_data_stagnation(rows) > STAGNATION;

    if (!is_time || !regression_data_focus(rows)) {
        return 0;
    }
    s->is_local_refit = true;
    return metric_model_fit_theta(&fitting->metrics[0], fitting->merit, &search,
                                  s->metrics[0].theta, err);
}

/* The feasibility model: by a new fit if one is due, else by the stored one or the prior's mode. */
static int fit_feasibility(const struct fitting *fitting, struct err *err)
{
    struct surrogate *s = fitting->surrogate;
    size_t n_theta = s->shape.n_theta;
    double *theta = s->theta + s->n_metrics * n_theta;
    const struct fit_prior *prior = &fitting->metrics[0].prior;
    const double *warm =
        fitting->shape.has_feasibility ? stored_theta(fitting, s->n_metrics) : NULL;
    const struct theta_search search = {
        .warm = warm, .afresh = warm == NULL, .stop = fitting->data->seen->stop};
    bool is_fitted = s->is_new_fit && !fitting->is_made;

    if (!is_fitted) {
        memcpy(theta, warm == NULL ? prior->mean : warm, n_theta * sizeof *theta);
    }
    return feasibility_model_fit(&s->feasibility, fitting->data, prior, is_fitted ? &search : NULL,
                                 theta, err);
}

/* ---- the surrogate --------------------------------------------------------------------------- */
static int apply_transfer_prior(struct fitting *fitting, struct err *err)
{
    struct surrogate *s = fitting->surrogate;
    struct metric_data *metric = &fitting->metrics[0];
    struct points measured = metric->points; /* without the failed trials, which come last */

    if (s->n_metrics > 1) {
        return 0;
    }
    measured.n -= fitting->data->evaluations.n_failed;
    TRY(transfer_prior_init(&s->transfer_prior, fitting->data, err));
    TRY(transfer_prior_weight(&s->transfer_prior, &measured, metric->rows.y,
                              fitting->data->study->seed, err));
    s->metrics[0].prior_mean = s->transfer_prior.prior_mean;
    return metric_data_set_prior_mean(metric, s->transfer_prior.prior_mean, err);
}

static int surrogate_init(struct surrogate *surrogate, const struct study_data *data,
                          struct err *err)
{
    const struct fit_shape shape = {.n_theta = encoding_n_dims(&data->encoding) + 2,
                                    .n_metrics = data->study->n_objectives,
                                    .has_feasibility =
                                        feasibility_model_is_needed(&data->evaluations)};

    *surrogate = (struct surrogate){.n_metrics = shape.n_metrics, .shape = shape};
    surrogate->theta = calloc(fit_shape_count(&shape), sizeof *surrogate->theta);
    if (surrogate->theta == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    for (size_t k = 0; k < surrogate->n_metrics; k++) {
        surrogate->metrics[k] =
            (struct metric_model){.objective = k, .theta = surrogate->theta + k * shape.n_theta};
    }
    return 0;
}

/* merit ← the rank of each row among all, of a single objective its cost. */
static int set_merit(struct fitting *fitting, struct err *err)
{
    size_t m = fitting->surrogate->n_metrics;
    size_t n = fitting->metrics[0].rows.n;
    OWN(memory) double *cost = calloc(m * n + 1, sizeof *cost);
    OWN(memory) size_t *rank = calloc(n + 1, sizeof *rank);

    fitting->merit = fitting->metrics[0].rows.y;
    if (m == 1) {
        return 0;
    }
    fitting->rank = calloc(n + 1, sizeof *fitting->rank);
    if (cost == NULL || rank == NULL || fitting->rank == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < m; k++) {
            cost[i * m + k] = fitting->metrics[k].rows.y[i];
        }
    }
    TRY(nondominated_ranks(n, m, cost, rank, err));
    for (size_t i = 0; i < n; i++) {
        fitting->rank[i] = (double)rank[i];
    }
    fitting->merit = fitting->rank;
    return 0;
}

static int fitting_init(struct fitting *fitting, struct surrogate *surrogate,
                        const struct study_data *data, struct err *err)
{
    const struct fit_shape *shape = &surrogate->shape;

    *fitting = (struct fitting){.surrogate = surrogate, .data = data};
    size_t most = (shape->n_metrics + 1) * shape->n_theta;
    fitting->stored = calloc(2 * most, sizeof *fitting->stored);
    if (fitting->stored == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    fitting->made = fitting->stored + most;
    for (size_t k = 0; k < shape->n_metrics; k++) {
        TRY(metric_data_init(&fitting->metrics[k], data, k, err));
    }
    return set_merit(fitting, err);
}

/* The hyper-parameters of all models. */
static int fit_all(struct fitting *fitting, const struct study_data *data,
                   struct surrogate *surrogate, struct err *err)
{
    TRY(surrogate_init(surrogate, data, err));
    TRY(fitting_init(fitting, surrogate, data, err));
    TRY(apply_transfer_prior(fitting, err));
    find_fit(fitting);
    TRY(choose_theta(fitting, err));
    return surrogate->shape.has_feasibility ? fit_feasibility(fitting, err) : 0;
}

int surrogate_fit_theta(struct surrogate *surrogate, const struct study_data *data, struct err *err)
{
    OWN(fitting) struct fitting fitting = {0};

    return fit_all(&fitting, data, surrogate, err);
}

/* truncated ← the results that are extrapolated curves, once enough have reached the end. */
static int collect_truncated(const struct fitting *fitting, struct err *err)
{
    struct surrogate *s = fitting->surrogate;
    const struct metric_model *model = &s->metrics[0];

    TRY(points_init(&s->truncated, model->points.n_num, model->points.n_cat, model->n, err));
    for (size_t i = 0; i < model->n && fitting->metrics[0].rows.n_full >= FULL_LEAST; i++) {
        if (model->extra[i] > 0.0) {
            points_copy(&s->truncated, s->truncated.n++, &model->points, i);
        }
    }
    return 0;
}

int surrogate_fit(struct surrogate *surrogate, const struct study_data *data, const double *subject,
                  struct rng *rng, struct err *err)
{
    OWN(fitting) struct fitting fitting = {0};

    TRY(fit_all(&fitting, data, surrogate, err));
    TRY(refit_locally(&fitting, err));
    for (size_t k = 0; k < surrogate->n_metrics; k++) {
        struct metric_model *model = &surrogate->metrics[k];
        TRY(metric_model_take(model, &fitting.metrics[k], data, fitting.merit, subject, rng != NULL,
                              err));
        TRY(metric_model_condition(model, &fitting.metrics[k], rng, err));
    }
    if (surrogate->n_metrics > 1) {
        return pareto_set_init(&surrogate->pareto, data->study, surrogate->n_metrics,
                               surrogate->metrics, data->evaluations.n_done, err);
    }
    return study_stops_trials_early(data->study) ? collect_truncated(&fitting, err) : 0;
}

size_t surrogate_best(const struct surrogate *surrogate, size_t k, size_t order[])
{
    const struct metric_model *model = &surrogate->metrics[0];
    size_t n = 0;

    if (surrogate->pareto.m > 1) {
        for (; n < k && n < surrogate->pareto.n; n++) { /* the newest of many */
            order[n] = surrogate->pareto.result[surrogate->pareto.n - 1 - n];
        }
        return n;
    }
    for (size_t i = 0; i < model->n; i++) {
        size_t at = n;
        while (at > 0
               && metric_model_mean_at(model, i) < metric_model_mean_at(model, order[at - 1])) {
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

double surrogate_improve_on(const struct surrogate *surrogate)
{
    double best = surrogate->metrics[0].best;

    return best - least_gain * fmax(-best, 0.0);
}

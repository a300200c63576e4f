#include "server/strategy/gp/surrogate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/nondominated.h"

/* The reasons for these numbers are in tests/bench/choices.md. */
enum {
    BOUNDED_LEAST = 3,     /* values of a bounded metric, for a model */
    STAGNATION = 12,       /* results without improvement, after which a local refit is made, */
    LOCAL_REFIT_MAX = 200, /* with up to so many results */
    LOCAL_EVALUATIONS = 15 /* of the posterior */
};

static const double least_gain = 3e-3;
static const double violation_most = 1e6; /* of an unknown one */

void surrogate_finish(struct surrogate *surrogate)
{
    for (size_t k = 0; k < surrogate->n_metrics; k++) {
        metric_model_finish(&surrogate->metrics[k]);
    }
    feasibility_model_finish(&surrogate->feasibility);
    transfer_prior_finish(&surrogate->transfer_prior);
    pareto_set_finish(&surrogate->pareto);
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
    double *own_merit;   /* scratch for merit */
    const double *merit; /* of the objectives' rows, smaller is better (set_merit()) */
    bool *feasible;      /* of those rows, in a study with bounds; else NULL */
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
    free(fitting->own_merit);
    free(fitting->feasible);
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

/* Is enough known of this metric for a model? */
static bool is_modelled(const struct fitting *fitting, size_t k)
{
    return k < fitting->surrogate->n_objectives || fitting->metrics[k].rows.n >= BOUNDED_LEAST;
}

static int fit_one(const struct fitting *fitting, size_t k, const struct theta_search *search,
                   struct err *err)
{
    const struct surrogate *s = fitting->surrogate;
    const struct metric_data *metric = &fitting->metrics[k];
    const double *merit = k < s->n_objectives ? fitting->merit : metric->rows.y;

    if (!is_modelled(fitting, k)) {
        fit_prior_mode(&metric->prior, false, s->metrics[k].theta);
        return 0;
    }
    return metric_model_fit_theta(metric, merit, search, s->metrics[k].theta, err);
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
                                            .is_additive = true,
                                            .stop = fitting->data->seen->stop};
        if (is_fitted) {
            TRY(fit_one(fitting, k, &search, err));
        } else {
            memcpy(s->metrics[k].theta, stored, s->shape.n_theta * sizeof *stored);
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
    const struct theta_search search = {.afresh = true,
                                        .is_additive = true,
                                        .is_brief = true,
                                        .evaluations = LOCAL_EVALUATIONS,
                                        .stop = fitting->data->seen->stop};
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

    if (!is_fitted && warm == NULL) {
        fit_prior_mode(prior, false, theta);
    } else if (!is_fitted) {
        memcpy(theta, warm, n_theta * sizeof *theta);
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

    if (s->n_objectives > 1) {
        return 0;
    }
    measured.n -= fitting->data->evaluations.n_unexplained;
    TRY(transfer_prior_init(&s->transfer_prior, fitting->data, err));
    TRY(transfer_prior_weight(&s->transfer_prior, &measured, metric->rows.y,
                              fitting->data->study->seed, err));
    s->metrics[0].prior_mean = s->transfer_prior.prior_mean;
    return metric_data_set_prior_mean(metric, s->transfer_prior.prior_mean, err);
}

static int surrogate_init(struct surrogate *surrogate, const struct study_data *data,
                          struct err *err)
{
    size_t n_objectives = data->study->n_objectives;
    const struct points points = {.n_num = data->encoding.n_num, .n_cat = data->encoding.n_cat};
    const struct fit_shape shape = {.n_theta = gp_n_theta(&points),
                                    .n_metrics = n_objectives + data->study->n_bounds,
                                    .has_feasibility =
                                        feasibility_model_is_needed(&data->evaluations)};

    *surrogate = (struct surrogate){
        .n_metrics = shape.n_metrics, .n_objectives = n_objectives, .shape = shape};
    surrogate->theta = calloc(fit_shape_count(&shape), sizeof *surrogate->theta);
    if (surrogate->theta == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    for (size_t k = 0; k < surrogate->n_metrics; k++) {
        surrogate->metrics[k] =
            (struct metric_model){.index = k, .theta = surrogate->theta + k * shape.n_theta};
    }
    return 0;
}

/* feasible ← which rows of the objectives satisfy all bounds. */
static int set_feasible(struct fitting *fitting, struct err *err)
{
    const struct study_def *study = fitting->data->study;
    const struct regression_data *rows = &fitting->metrics[0].rows;

    if (study->n_bounds == 0) {
        return 0;
    }
    fitting->feasible = calloc(rows->n + 1, sizeof *fitting->feasible);
    if (fitting->feasible == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    for (size_t i = 0; i < rows->n; i++) {
        const struct observation *seen = rows->observed[i];
        fitting->feasible[i] =
            seen->kind == OBSERVED_COMPLETED
            && study_feasibility(study, observation_all_bounded(seen)) == FEASIBLE;
    }
    return 0;
}

/* merit ← the rank of each row among all. */
static int rank_rows(struct fitting *fitting, struct err *err)
{
    size_t m = fitting->surrogate->n_objectives;
    size_t n = fitting->metrics[0].rows.n;
    OWN(memory) double *cost = calloc(m * n + 1, sizeof *cost);
    OWN(memory) size_t *rank = calloc(n + 1, sizeof *rank);

    if (cost == NULL || rank == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < m; k++) {
            cost[i * m + k] = fitting->metrics[k].rows.y[i];
        }
    }
    TRY(nondominated_ranks(n, m, cost, rank, err));
    for (size_t i = 0; i < n; i++) {
        fitting->own_merit[i] = (double)rank[i];
    }
    return 0;
}

/* Puts what violates a bound behind all that does not, the less of it the better. */
static void put_behind(struct fitting *fitting)
{
    const struct study_def *study = fitting->data->study;
    const struct regression_data *rows = &fitting->metrics[0].rows;
    double worst = 0.0;

    for (size_t i = 0; i < rows->n; i++) {
        worst = fmax(worst, fitting->own_merit[i]);
    }
    for (size_t i = 0; i < rows->n; i++) {
        double violation = study_violation(study, observation_all_bounded(rows->observed[i]));
        if (!fitting->feasible[i]) {
            fitting->own_merit[i] = worst + 1.0 + fmin(violation, violation_most);
        }
    }
}

/* merit ← the cost of each row, with several objectives its rank, of what violates a bound by how
 * much it does. */
static int set_merit(struct fitting *fitting, struct err *err)
{
    const double *y = fitting->metrics[0].rows.y;
    size_t n = fitting->metrics[0].rows.n;

    fitting->merit = y;
    if (fitting->surrogate->n_objectives == 1 && fitting->feasible == NULL) {
        return 0;
    }
    fitting->own_merit = calloc(n + 1, sizeof *fitting->own_merit);
    if (fitting->own_merit == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    fitting->merit = fitting->own_merit;
    if (fitting->surrogate->n_objectives > 1) {
        TRY(rank_rows(fitting, err));
    } else {
        memcpy(fitting->own_merit, y, n * sizeof *y);
    }
    if (fitting->feasible != NULL) {
        put_behind(fitting);
    }
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
    TRY(set_feasible(fitting, err));
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

/* The posteriors of the bounded metrics. */
static int model_bounded(const struct fitting *fitting, bool with_pending, struct err *err)
{
    struct surrogate *s = fitting->surrogate;

    for (size_t k = s->n_objectives; k < s->n_metrics; k++) {
        const struct metric_data *metric = &fitting->metrics[k];
        if (is_modelled(fitting, k)) {
            TRY(metric_model_take(&s->metrics[k], metric, fitting->data, metric->rows.y, NULL,
                                  with_pending, err));
            TRY(metric_model_condition(&s->metrics[k], NULL, err));
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
    for (size_t k = 0; k < surrogate->n_objectives; k++) {
        struct metric_model *model = &surrogate->metrics[k];
        TRY(metric_model_take(model, &fitting.metrics[k], data, fitting.merit, subject, rng != NULL,
                              err));
        TRY(metric_model_condition(model, rng, err));
        metric_model_find_best(model, &fitting.metrics[k], fitting.feasible);
    }
    TRY(model_bounded(&fitting, rng != NULL, err));
    if (surrogate->n_objectives > 1) {
        return pareto_set_init(&surrogate->pareto, data->study, surrogate->n_objectives,
                               surrogate->metrics, fitting.metrics, data->evaluations.n_done,
                               fitting.feasible, err);
    }
    return 0;
}

/* Is the i-th result better than the j-th one? In a study with bounds what was measured decides. */
static bool is_better(const struct surrogate *surrogate, size_t i, size_t j)
{
    const struct metric_model *model = &surrogate->metrics[0];

    if (surrogate->n_metrics > surrogate->n_objectives) {
        return model->merit[i] < model->merit[j];
    }
    return metric_model_mean_at(model, i) < metric_model_mean_at(model, j);
}

size_t surrogate_best(const struct surrogate *surrogate, size_t k, size_t order[])
{
    const struct metric_model *model = &surrogate->metrics[0];
    size_t n = 0;

    if (surrogate->pareto.n > 0) {
        for (; n < k && n < surrogate->pareto.n; n++) { /* the newest of many */
            order[n] = surrogate->pareto.result[surrogate->pareto.n - 1 - n];
        }
        return n;
    }
    for (size_t i = 0; i < model->n; i++) {
        size_t at = n;
        while (at > 0 && is_better(surrogate, i, order[at - 1])) {
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

bool surrogate_has_incumbent(const struct surrogate *surrogate)
{
    return surrogate->n_objectives > 1
               ? surrogate->pareto.n > 0 || surrogate->n_metrics == surrogate->n_objectives
               : isfinite(surrogate->metrics[0].best);
}

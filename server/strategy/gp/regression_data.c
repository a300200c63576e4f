#include "server/strategy/gp/regression_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/curves.h"

static const double level_eta = 3.0;
static const double limit_reach = 1.0; /* beyond the best value seen, in standard deviations */

#define VARIANCE_FACTOR_MAX 100.0

void regression_data_finish(struct regression_data *data)
{
    free(data->config);
    free(data->observed);
    free(data->y);
    free(data->extra);
    free(data->prior_mean);
    *data = (struct regression_data){0};
}

/* ---- curves ---------------------------------------------------------------------------------- */
/* The cost at a level: the last measurement at or before it, if the trial reached the level; else
 * NaN. A trial that completed earlier ended by itself: its value counts at the later levels too. */
static double cost_at_level(const struct study_def *study, const struct observation *observed,
                            int64_t level, bool is_last)
{
    bool is_complete = observed->kind == OBSERVED_COMPLETED;
    double value = NAN;
    bool reached = false;

    if (is_complete && is_last) {
        return study_cost(study, observation_value(observed, 0));
    }
    for (size_t i = 0; i < observed->n_curve; i++) {
        reached = reached || observed->curve[i].step >= level;
        value = observed->curve[i].step <= level ? observed->curve[i].value : value;
    }
    if (observed->n_curve == 0 && study_step_down(study, observed->step) <= level) {
        value = observation_value(observed, 0);
        reached = study_step_down(study, observed->step) == level;
    }
    return (reached || is_complete) && isfinite(value) ? study_cost(study, value) : (double)NAN;
}

static bool has_value(const struct study_def *study, const struct observation *observed,
                      size_t n_levels, const int64_t levels[])
{
    for (size_t i = 0; i < n_levels; i++) {
        if (!isnan(cost_at_level(study, observed, levels[i], i + 1 == n_levels))) {
            return true;
        }
    }
    return false;
}

/* The i-th of the done and then the pending trials. */
static const struct observation *nth(const struct evaluations *evaluations, size_t i)
{
    return i < evaluations->n_done ? evaluations->done_observed[i]
                                   : evaluations->pending_observed[i - evaluations->n_done];
}

/* Rows with costs and variances in the units of the objective. */
static int gather_curves(struct regression_data *data, const struct study_def *study,
                         const struct evaluations *evaluations, struct err *err)
{
    int64_t levels[CURVE_LEVELS_MAX];
    size_t n_levels = curve_levels(study->resource_min, study->resource_max, study->resource_step,
                                   level_eta, levels);
    size_t most = evaluations->n_done + evaluations->n_pending;
    int64_t below =
        curve_level_below(study->resource_min, levels[0], study->resource_step, level_eta);
    OWN(memory) double *value = calloc(most * (n_levels + 1) + 1, sizeof *value);

    if (value == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for learning curves");
    }
    double *before = value + most * n_levels;
    for (size_t i = 0; i < most; i++) {
        const struct observation *observed = nth(evaluations, i);
        if (!has_value(study, observed, n_levels, levels)) {
            continue;
        }
        double *row = value + data->n * n_levels;
        for (size_t k = 0; k < n_levels; k++) {
            row[k] = cost_at_level(study, observed, levels[k], k + 1 == n_levels);
        }
        before[data->n] = below > 0 ? cost_at_level(study, observed, below, false) : (double)NAN;
        data->n_full += isnan(row[n_levels - 1]) ? 0 : 1;
        data->observed[data->n] = observed;
        data->config[data->n++] = observed->config;
    }
    data->has_curves = true;
    return curves_extrapolate(n_levels, data->n, value, before, data->y, data->extra, err);
}

/* ---- all rows -------------------------------------------------------------------------------- */
static bool has_curves(const struct study_def *study)
{
    return study->has_resource && study->n_objectives == 1;
}

static void gather_costs(struct regression_data *data, const struct evaluations *evaluations,
                         const double cost[])
{
    for (size_t i = 0; i < evaluations->n_done; i++) {
        data->config[i] = evaluations->done[i];
        data->observed[i] = evaluations->done_observed[i];
        data->y[i] = cost[i];
    }
    data->n = data->n_full = evaluations->n_done;
}

static void add_failures(struct regression_data *data, const struct evaluations *evaluations)
{
    double low = INFINITY;
    double high = -INFINITY;

    for (size_t i = 0; i < data->n; i++) {
        low = fmin(low, data->y[i]);
        high = fmax(high, data->y[i]);
    }
    double worst = data->n == 0 ? 0.0 : high + 0.5 * (high - low);
    for (size_t i = 0; i < evaluations->n_unexplained; i++) {
        data->config[data->n] = evaluations->unexplained[i]->config;
        data->observed[data->n] = evaluations->unexplained[i];
        data->y[data->n++] = worst;
    }
}

static int allocate(struct regression_data *data, size_t most, struct err *err)
{
    *data = (struct regression_data){.best = INFINITY, .variance_factor = 1.0};
    data->config = calloc(most + 1, sizeof *data->config);
    data->observed = calloc(most + 1, sizeof *data->observed);
    data->y = calloc(most + 1, sizeof *data->y);
    data->extra = calloc(most + 1, sizeof *data->extra);
    data->prior_mean = calloc(most + 1, sizeof *data->prior_mean);
    if (data->config == NULL || data->y == NULL || data->extra == NULL || data->prior_mean == NULL
        || data->observed == NULL) {
        regression_data_finish(data);
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    return 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* *factor ← 1 / the mean square distance of the better half from the median, at most
 * VARIANCE_FACTOR_MAX. The variances of extrapolated values are expressed on the scale of the
 * better half: on that of all rows, most of which are far worse, the surrogate would be
 * overconfident. */
static int better_half_factor(const struct regression_data *data, double *factor, struct err *err)
{
    OWN(memory) double *sorted = malloc(data->n * sizeof *sorted + 1);
    double square = 0.0;
    size_t n = 0;

    *factor = 1.0;
    if (sorted == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    if (data->n == 0) {
        return 0;
    }
    memcpy(sorted, data->y, data->n * sizeof *sorted);
    qsort(sorted, data->n, sizeof *sorted, by_value);
    double median = 0.5 * (sorted[(data->n - 1) / 2] + sorted[data->n / 2]);
    while (n < data->n && sorted[n] <= median) {
        square += (sorted[n] - median) * (sorted[n] - median);
        n++;
    }
    double share = square / (double)(n > 0 ? n : 1);
    *factor = share > 1.0 / VARIANCE_FACTOR_MAX ? 1.0 / share : VARIANCE_FACTOR_MAX;
    return 0;
}

static int scale_curves(struct regression_data *data, struct err *err)
{
    TRY(better_half_factor(data, &data->variance_factor, err));
    for (size_t i = 0; i < data->n; i++) {
        data->extra[i] *= data->variance_factor;
    }
    return 0;
}

int regression_data_init(struct regression_data *data, const struct study_def *study,
                         const struct evaluations *evaluations, size_t objective, struct err *err)
{
    TRY(allocate(data, evaluations->n_done + evaluations->n_pending + evaluations->n_failed, err));
    if (has_curves(study)) {
        TRY(gather_curves(data, study, evaluations, err));
    } else {
        gather_costs(data, evaluations, evaluations->costs[objective]);
    }
    TRY((has_curves(study) ? transform_fit_all : transform_fit)(&data->transform, data->n, data->y,
                                                                err));
    double sd = data->transform.sd;
    for (size_t i = 0; i < data->n; i++) {
        data->y[i] = transform_apply(&data->transform, data->y[i]);
        if (!(data->extra[i] > 0.0)) {
            data->best = fmin(data->best, data->y[i]);
        }
        data->extra[i] = sd > 0.0 ? data->extra[i] / (sd * sd) : 0.0;
    }
    if (data->has_curves) {
        TRY(scale_curves(data, err));
    }
    add_failures(data, evaluations);
    return 0;
}

/* ---- bounded metrics ------------------------------------------------------------------------- */
double regression_data_bounded_cost(const struct metric_bound *bound, double value)
{
    return bound->is_lower ? -value : value;
}

static void add_bounded(struct regression_data *data, const struct study_def *study,
                        const struct observation *observed, size_t bound)
{
    double value = observation_bounded(observed, bound);

    if (!isnan(value)) {
        data->observed[data->n] = observed;
        data->config[data->n] = observed->config;
        data->y[data->n++] = regression_data_bounded_cost(&study->bounds[bound], value);
    }
}

/* Infinite costs ← the greatest finite one and half the range more, or the least and half less. */
static void replace_infinite(struct regression_data *data)
{
    double low = INFINITY;
    double high = -INFINITY;

    for (size_t i = 0; i < data->n; i++) {
        low = isfinite(data->y[i]) ? fmin(low, data->y[i]) : low;
        high = isfinite(data->y[i]) ? fmax(high, data->y[i]) : high;
    }
    double reach = low <= high ? 0.5 * (high - low) : 0.0;
    for (size_t i = 0; i < data->n; i++) {
        if (!isfinite(data->y[i])) {
            data->y[i] = low > high ? 0.0 : data->y[i] > 0.0 ? high + reach : low - reach;
        }
    }
}

int regression_data_init_bounded(struct regression_data *data, const struct study_def *study,
                                 const struct evaluations *evaluations, size_t bound, double *limit,
                                 struct err *err)
{
    TRY(allocate(data, evaluations->n_done + evaluations->n_failed, err));
    for (size_t i = 0; i < evaluations->n_done; i++) {
        add_bounded(data, study, evaluations->done_observed[i], bound);
    }
    for (size_t i = 0; i < evaluations->n_failed; i++) {
        add_bounded(data, study, evaluations->failed_observed[i], bound);
    }
    data->n_full = data->n;
    replace_infinite(data);
    TRY(transform_fit(&data->transform, data->n, data->y, err));
    double cost = regression_data_bounded_cost(&study->bounds[bound], study->bounds[bound].limit);
    bool differ = data->transform.sd > 0.0;
    bool is_met = !(data->n > 0 && data->y[0] > cost);
    double least = INFINITY;
    for (size_t i = 0; i < data->n; i++) {
        data->y[i] = transform_apply(&data->transform, data->y[i]);
        least = fmin(least, data->y[i]);
    }
    *limit = differ   ? transform_target(&data->transform, cost, least - limit_reach)
             : is_met ? 1.0
                      : -1.0;
    return 0;
}

size_t regression_data_count(const struct study_def *study, const struct evaluations *evaluations)
{
    int64_t levels[CURVE_LEVELS_MAX];
    size_t n = 0;

    if (!has_curves(study)) {
        return evaluations->n_done;
    }
    size_t n_levels = curve_levels(study->resource_min, study->resource_max, study->resource_step,
                                   level_eta, levels);
    for (size_t i = 0; i < evaluations->n_done + evaluations->n_pending; i++) {
        n += has_value(study, nth(evaluations, i), n_levels, levels) ? 1 : 0;
    }
    return n;
}

/* ---- local refit ----------------------------------------------------------------------------- */
enum { FIRST = 20 };

static const double least_gain = 1e-3; /* of a standard deviation */

size_t regression_data_stagnation(const struct regression_data *data)
{
    double best = INFINITY;
    size_t last = 0;

    for (size_t i = 0; i < data->n_full; i++) {
        if (data->y[i] < best - least_gain) {
            best = data->y[i];
            last = i;
        }
    }
    return data->n_full - last;
}

/* Standardises y, and adapts best and the transform. */
static void standardise(struct regression_data *data)
{
    double n = (double)data->n;
    double mean = 0.0;
    double square = 0.0;

    for (size_t i = 0; i < data->n; i++) {
        mean += data->y[i] / n;
    }
    for (size_t i = 0; i < data->n; i++) {
        square += (data->y[i] - mean) * (data->y[i] - mean) / n;
    }
    double sd = sqrt(square);
    for (size_t i = 0; i < data->n; i++) {
        data->y[i] = (data->y[i] - mean) / sd;
    }
    data->best = (data->best - mean) / sd;
    data->transform.mean += data->transform.sd * mean;
    data->transform.sd *= sd;
}

bool regression_data_focus(struct regression_data *data)
{
    double sorted[FIRST];

    if (data->n_full < FIRST) {
        return false;
    }
    memcpy(sorted, data->y, sizeof sorted);
    qsort(sorted, FIRST, sizeof *sorted, by_value);
    double median = sorted[FIRST / 2];
    if (!(median > data->best + least_gain)) {
        return false;
    }
    for (size_t i = 0; i < data->n; i++) {
        data->y[i] = fmin(data->y[i], median);
    }
    standardise(data);
    return true;
}

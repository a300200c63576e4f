#include "server/strategy/gp/forecast.h"

#include <math.h>
#include <stdlib.h>

#include "common/normal.h"
#include "server/model/curves.h"
#include "server/strategy/gp/regression_data.h"
#include "server/strategy/gp/surrogate.h"

enum {
    FULL_LEAST = 3,    /* trials at the full resource, for a forecast */
    STOPPED_LEAST = 10 /* trials in a row that did not reach the full resource */
};

static const double own_chance_least = 1e-3; /* below it a trial's own curve rules it out */

size_t forecast_levels(const struct study_def *study, double eta, int64_t levels[64])
{
    _Static_assert(CURVE_LEVELS_MAX == 64, "the header says how many there can be");
    return curve_levels(study->resource_min, study->resource_max, study->resource_step, eta,
                        levels);
}

int64_t forecast_level_below(const struct study_def *study, double eta)
{
    int64_t levels[CURVE_LEVELS_MAX];

    (void)forecast_levels(study, eta, levels);
    return curve_level_below(study->resource_min, levels[0], study->resource_step, eta);
}

static const struct observation *find(const struct history *seen, int64_t number)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (seen->items[i].number == number) {
            return &seen->items[i];
        }
    }
    return NULL;
}

static size_t count_full(const struct evaluations *evaluations)
{
    size_t n = 0;

    for (size_t i = 0; i < evaluations->n_done; i++) {
        n += evaluations->complete[i] ? 1 : 0;
    }
    return n;
}

/* Mean and standard deviation of the objective at a configuration, transformed. */
static int predict(const struct metric_model *model, const struct encoding *encoding,
                   const double config[], double *mean, double *sd, struct err *err)
{
    OWN(points) struct points one = {0};
    struct metric_prediction prediction;

    TRY(points_init(&one, encoding->n_num, encoding->n_cat, 1, err));
    one.n = 1;
    encoding_put(encoding, config, &one, 0);
    TRY(metric_model_predict(model, &one, &prediction, err));
    *mean = prediction.mean;
    *sd = sqrt(prediction.var);
    return 0;
}

/* The probability of ending better than the incumbent by the trial's own extrapolated curve alone.
 */
static double own_chance(const struct metric_model *model)
{
    return normal_cdf((model->best - model->own_y) / sqrt(model->own_var));
}

/* The probability of ending better than the incumbent: the greater one of the surrogate's and that
 * of the trial's own curve, unless its own curve rules it out. Among many curves the surrogate
 * takes the peculiarity of one for noise. */
static double chance_of(const struct metric_model *model, double mean, double sd)
{
    double chance = normal_cdf((model->best - mean) / sd);
    double own = own_chance(model);

    return own < own_chance_least ? fmin(chance, own) : fmax(chance, own);
}

/* The trials after the last one that reached the full resource; all of them were stopped. */
struct stopped_trials {
    size_t n;
    double best; /* extrapolated curve of the last STOPPED_LEAST, transformed; INFINITY: none */
};

static int find_stopped(const struct study_data *data, struct stopped_trials *stopped,
                        struct err *err)
{
    const struct evaluations *evaluations = &data->evaluations;
    OWN(regression_data) struct regression_data rows = {0};
    double recent[STOPPED_LEAST];
    int64_t last = 0;

    *stopped = (struct stopped_trials){.best = INFINITY};
    for (size_t i = 0; i < evaluations->n_done; i++) {
        if (evaluations->complete[i] && evaluations->done_observed[i]->number > last) {
            last = evaluations->done_observed[i]->number;
        }
    }
    TRY(regression_data_init(&rows, data->study, evaluations, 0, err));
    for (size_t i = 0, k = 0; i < evaluations->n_done && k < rows.n; i++) { /* in the same order */
        if (rows.config[k] != evaluations->done[i]) {
            continue;
        }
        if (!evaluations->complete[i] && evaluations->done_observed[i]->number > last) {
            recent[stopped->n++ % STOPPED_LEAST] = rows.y[k];
        }
        k++;
    }
    for (size_t i = 0; i < stopped->n && i < STOPPED_LEAST; i++) {
        stopped->best = fmin(stopped->best, recent[i]);
    }
    return 0;
}

/* Whether many trials in a row were stopped, and the subject is better than the last ten of them.
 */
static bool has_benefit_of_doubt(const struct metric_model *model,
                                 const struct stopped_trials *stopped)
{
    return stopped->n >= STOPPED_LEAST && model->own_y <= stopped->best
           && own_chance(model) >= own_chance_least;
}

int strategy_forecast(const struct study_def *study, const struct history *seen, int64_t number,
                      struct forecast *forecast, struct err *err)
{
    OWN(study_data) struct study_data data = {0};
    OWN(surrogate) struct surrogate surrogate = {0};
    const struct observation *trial = find(seen, number);
    struct stopped_trials stopped;
    double mean = 0.0;
    double sd = 0.0;

    *forecast = (struct forecast){0};
    if (trial == NULL) {
        return err_set(err, ERR_NOT_FOUND, "trial %lld is not in this history", (long long)number);
    }
    TRY(study_data_init(&data, study, seen, err));
    size_t n_full = count_full(&data.evaluations);
    if (n_full == 0 || encoding_n_dims(&data.encoding) == 0) {
        return 0;
    }
    TRY(find_stopped(&data, &stopped, err));
    if (n_full < FULL_LEAST && stopped.n < STOPPED_LEAST) {
        return 0;
    }
    TRY(surrogate_fit(&surrogate, &data, trial->config, NULL, err));
    const struct metric_model *model = &surrogate.metrics[0];
    if (!surrogate_has_incumbent(&surrogate)) { /* no trial satisfies the bounds yet */
        return 0;
    }
    TRY(predict(model, &data.encoding, trial->config, &mean, &sd, err));
    bool is_doubtful = has_benefit_of_doubt(model, &stopped);
    if (n_full < FULL_LEAST && !is_doubtful) {
        return 0;
    }
    double chance = chance_of(model, mean, sd);
    *forecast = (struct forecast){.known = true,
                                  .chance = is_doubtful ? fmax(chance, 0.5) : chance,
                                  .mean = metric_model_value(model, study, mean),
                                  .sd = metric_model_scale(model) * sd,
                                  .incumbent = metric_model_value(model, study, model->best),
                                  .n_rows = model->n};
    if (surrogate.is_new_fit) {
        forecast->fit = surrogate_fit_bytes(&surrogate, &forecast->fit_bytes);
        forecast->fit_n_seen = surrogate.fit_n_seen;
    }
    return 0;
}

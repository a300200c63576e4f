#include "server/strategy/gp/recommendation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/strategy/gp/surrogate.h"

static const double least_gain = 0.5; /* of a standard deviation, to matter */

void recommendation_finish(struct recommendation *recommendation)
{
    free((void *)(uintptr_t)recommendation->fit.data);
    *recommendation = (struct recommendation){0};
}

/* ---- what is modelled ------------------------------------------------------------------------ */
/* The study as the model sees it: each completed trial is one result. */
static struct study_def plain_study(const struct study_def *study)
{
    struct study_def plain = *study;

    plain.has_resource = false;
    plain.n_bounds = 0;
    return plain;
}

/* The completed trials, and none of what other suggestions rest on. */
static struct history completed_trials(const struct history *seen, struct observation items[])
{
    struct history history = {.items = items, .made = seen->made, .stop = seen->stop};

    for (size_t i = 0; i < seen->n; i++) {
        if (seen->items[i].kind == OBSERVED_COMPLETED) {
            items[history.n++] = seen->items[i];
        }
    }
    return history;
}

/* ---- the choice ------------------------------------------------------------------------------ */
struct choosing {
    const struct study_def *study; /* as it was given */
    const struct metric_model *model;
    const struct observation **seen; /* of the model's results */
};

static double cost(const struct choosing *choosing, size_t i)
{
    return study_cost(choosing->study, observation_value(choosing->seen[i], 0));
}

static bool is_eligible(const struct choosing *choosing, size_t i)
{
    const struct study_def *study = choosing->study;
    const struct observation *seen = choosing->seen[i];

    return space_is_legal(study->space, seen->config)
           && study_feasibility(study, observation_all_bounded(seen)) == FEASIBLE;
}

static bool is_better_observed(const struct choosing *choosing, size_t i, size_t j)
{
    double a = cost(choosing, i);
    double b = cost(choosing, j);

    return a < b || (!(b < a) && choosing->seen[i]->number < choosing->seen[j]->number);
}

static bool is_better_expected(const struct choosing *choosing, size_t i, size_t j)
{
    double a = metric_model_mean_at(choosing->model, i);
    double b = metric_model_mean_at(choosing->model, j);

    return a < b || (!(b < a) && is_better_observed(choosing, i, j));
}

/* The best eligible result of an order; n: none is eligible. */
static size_t find_first(const struct choosing *choosing,
                         bool (*is_better)(const struct choosing *, size_t, size_t))
{
    size_t n = choosing->model->n;
    size_t first = n;

    for (size_t i = 0; i < n; i++) {
        if (is_eligible(choosing, i) && (first == n || is_better(choosing, i, first))) {
            first = i;
        }
    }
    return first;
}

/* The eligible result of that number; n: there is none. */
static size_t find_number(const struct choosing *choosing, int64_t number)
{
    size_t i = 0;

    while (i < choosing->model->n
           && (choosing->seen[i]->number != number || !is_eligible(choosing, i))) {
        i++;
    }
    return i;
}

static bool is_same_config(const struct choosing *choosing, size_t i, size_t j)
{
    const struct space *space = choosing->study->space;
    struct space_key a = space_config_key(space, choosing->seen[i]->config);
    struct space_key b = space_config_key(space, choosing->seen[j]->config);

    return a.a == b.a && a.b == b.b;
}

/* Repetitions of a configuration have one posterior mean, up to rounding. */
static size_t best_repetition(const struct choosing *choosing, size_t of)
{
    size_t best = of;

    for (size_t i = 0; i < choosing->model->n; i++) {
        if (is_eligible(choosing, i) && is_same_config(choosing, i, of)
            && is_better_observed(choosing, i, best)) {
            best = i;
        }
    }
    return best;
}

/* ---- in units of the objective --------------------------------------------------------------- */
static int describe(const struct choosing *choosing, size_t i, struct recommended_trial *trial,
                    struct err *err)
{
    const struct metric_model *model = choosing->model;
    const struct points one = points_part(&model->points, i, 1);
    double mean = metric_model_mean_at(model, i);
    double cost = transform_invert(&model->transform, mean);
    struct metric_prediction prediction;

    TRY(metric_model_predict(model, &one, &prediction, err));
    *trial = (struct recommended_trial){.number = choosing->seen[i]->number,
                                        .observed = observation_value(choosing->seen[i], 0),
                                        .expected = study_cost(choosing->study, cost),
                                        .deviation = sqrt(prediction.var)
                                                     * transform_slope(&model->transform, cost)};
    return 0;
}

static int choose(const struct choosing *choosing, int64_t number, struct recommendation *out,
                  struct err *err)
{
    const struct metric_model *model = choosing->model;
    bool is_noisy = metric_model_is_noisy(model);
    size_t best =
        number > 0 ? find_number(choosing, number) : find_first(choosing, is_better_observed);

    if (best == model->n) {
        return 0;
    }
    size_t chosen = is_noisy ? find_first(choosing, is_better_expected) : best;
    chosen = is_same_config(choosing, chosen, best) ? best : best_repetition(choosing, chosen);
    TRY(describe(choosing, best, &out->best, err));
    TRY(describe(choosing, chosen, &out->trial, err));
    out->known = true;
    out->n_results = model->n;
    out->noise = is_noisy ? sqrt(model->gp->noise) * metric_model_scale(model) : 0.0;
    return 0;
}

static int recommend(const struct study_def *study, const struct study_data *data, int64_t best,
                     struct recommendation *out, struct err *err)
{
    OWN(surrogate) struct surrogate surrogate = {0};
    const struct metric_model *model = &surrogate.metrics[0];

    TRY(surrogate_fit(&surrogate, data, NULL, NULL, err));
    OWN(memory) const struct observation **seen = calloc(model->n + 1, sizeof *seen);
    if (seen == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a recommendation");
    }
    for (size_t i = 0; i < model->n; i++) { /* the rows are the results, in order of number */
        seen[i] = data->evaluations.done_observed[model->row[i]];
    }
    const struct choosing choosing = {study, model, seen};
    TRY(choose(&choosing, best, out, err));
    out->fit.n_seen = surrogate.fit_n_seen;
    out->fit.data = surrogate_fit_bytes(&surrogate, &out->fit.bytes);
    return out->fit.data == NULL ? err_set(err, ERR_NOMEM, "no memory for a fit") : 0;
}

int strategy_recommend(const struct study_def *study, const struct history *seen, int64_t best,
                       struct recommendation *out, struct err *err)
{
    const struct study_def plain = plain_study(study);
    OWN(memory) struct observation *items = calloc(seen->n + 1, sizeof *items);
    OWN(study_data) struct study_data data = {0};
    struct err why = {0};

    *out = (struct recommendation){0};
    if (items == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a recommendation");
    }
    if (study->n_objectives != 1) {
        return 0;
    }
    const struct history history = completed_trials(seen, items);
    TRY(study_data_init(&data, &plain, &history, err));
    if (data.evaluations.n_done < RECOMMENDATION_LEAST || encoding_n_dims(&data.encoding) == 0) {
        return 0;
    }
    if (recommend(study, &data, best, out, &why) != 0) {
        recommendation_finish(out);
        return why.code == ERR_NUMERIC ? 0 : err_set(err, why.code, "%s", why.text);
    }
    return 0;
}

bool recommendation_matters(const struct recommendation *out)
{
    double gain = fabs(out->best.expected - out->trial.expected);
    double deviation = hypot(out->best.deviation, out->trial.deviation);

    return out->known && out->trial.number != out->best.number && gain > least_gain * deviation;
}

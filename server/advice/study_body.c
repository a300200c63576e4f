#include "server/advice/study_body.h"

#include <math.h>

#include "common/json.h"
#include "common/step.h"

#define COUNT_MAX 1e12 /* of trials and steps, as a study's limits take them */

/* Sets a limit; a smaller one that was given stays. */
static void set_limit(json_t *limits, const char *name, double most)
{
    const json_t *given = json_object_get(limits, name);
    double value = fmin(most, COUNT_MAX);

    if (json_is_number(given) && json_number_value(given) <= value) {
        return;
    }
    bool whole = value == floor(value) && value < 1e15;
    (void)json_object_set_new(limits, name,
                              whole ? json_integer((json_int_t)value) : json_real(value));
}

/* With early stopping a budget that was given in trials becomes a limit of resource. */
static void set_budget(const struct problem *problem, const struct problem_features *features,
                       const struct advice_item *item, json_t *limits)
{
    const struct study_def *study = problem->study;

    if (item->brackets != NULL && features->source == BUDGET_TRIALS) {
        (void)json_object_del(limits, "trials");
    }
    if (problem->available_seconds > 0) {
        set_limit(limits, "seconds", problem->available_seconds);
    }
    if (features->source == BUDGET_TIME) {
        return; /* the limit of time ends the study */
    }
    if (item->brackets != NULL) {
        double units = fmax(1.0, round(features->evaluations * (double)study->resource_max));
        double most = (double)step_most(study->resource_digits);
        set_limit(limits, "resource",
                  fmin(units, most) / (double)step_whole(study->resource_digits));
    } else if (item->cost.trials >= 1.0) {
        set_limit(limits, "trials", item->cost.trials);
    }
}

static json_t *strategy_of(const struct problem *problem, const struct advice_item *item)
{
    json_t *strategy = json_pack("{s:s}", "name", item->technique->strategy);
    bool asked_exact = item->is_asked && problem->study->serving == SERVING_EXACT;
    bool has_model = item->technique->model != MODEL_NONE;

    (void)json_object_update(strategy, item->options);
    if (has_model && (item->is_exact || asked_exact)) {
        (void)json_object_set_new(strategy, "serving", json_string("exact"));
    }
    return strategy;
}

int advice_make_studies(const struct problem *problem, struct advice *advice, struct err *err)
{
    size_t failures = json_failures();

    for (size_t i = 0; i < advice->n; i++) {
        struct advice_item *item = &advice->items[i];
        if (!item->is_usable) {
            continue;
        }
        const json_t *given = json_object_get(problem->body, "limits");
        json_t *limits = given == NULL ? json_object() : json_deep_copy(given);
        item->study = json_deep_copy(problem->body);
        set_budget(problem, &advice->features, item, limits);
        (void)json_object_set_new(item->study, "limits", limits);
        (void)json_object_set_new(item->study, "strategy", strategy_of(problem, item));
    }
    return json_check(failures, err);
}

#include "server/advice/advice_json.h"

#include <math.h>

#include "common/step.h"

static void put_list(struct json_writer *w, const char *key, const json_t *list)
{
    json_write_key(w, key);
    if (list == NULL) {
        json_write_null(w);
    } else {
        json_write_value(w, list);
    }
}

/* null where it is unknown. */
static void put_known(struct json_writer *w, const char *key, double value, bool known)
{
    if (known && isfinite(value)) {
        json_put_number(w, key, value);
    } else {
        json_put_null(w, key);
    }
}

static double rounded(double x, double unit)
{
    return round(x / unit) * unit;
}

static const char *source_name(enum budget_source source)
{
    switch (source) {
    case BUDGET_TRIALS:
        return "limits.trials";
    case BUDGET_RESOURCE:
        return "limits.resource";
    case BUDGET_TIME:
        return "time";
    case BUDGET_WORKER:
        return "worker_seconds";
    case BUDGET_ASSUMED:
        break;
    }
    return "assumed";
}

static void write_problem(const struct problem *problem, const struct problem_features *features,
                          struct json_writer *w)
{
    static const char *const kinds[KIND_COUNT] = {"numbers", "mixed", "noisy", "curves"};

    json_write_key(w, "problem");
    json_object_begin(w);
    json_put_int(w, "objectives", (int64_t)problem->study->n_objectives);
    json_put_string(w, "kind", kinds[features->kind]);
    json_put_int(w, "parameters", (int64_t)features->n_searched);
    json_put_int(w, "categories", (int64_t)features->n_categories);
    json_put_int(w, "conditional", (int64_t)features->n_conditional);
    put_known(w, "configurations", features->configurations, true);
    json_put_number(w, "workers", features->workers);
    put_known(w, "evaluation_seconds", features->seconds, features->seconds > 0);
    put_known(w, "available_seconds", features->span, true);
    json_put_number(w, "full_evaluations", features->evaluations);
    json_put_string(w, "budget_from", source_name(features->source));
    json_object_end(w);
}

/* What so many full trainings cost, in whole units. */
static double resource_of(const struct study_def *study, double evaluations)
{
    return ceil(evaluations * (double)study->resource_max)
           / (double)step_whole(study->resource_digits);
}

static void write_interval(const struct advice_item *item, struct json_writer *w)
{
    double low;
    double high;

    json_write_key(w, "regret_interval");
    if (!item->has_regret || !benchmark_interval(item->regret, &low, &high)) {
        json_write_null(w);
        return;
    }
    json_array_begin(w);
    json_write_number(w, rounded(low, 0.001));
    json_write_number(w, rounded(high, 0.001));
    json_array_end(w);
}

static void write_expected(const struct problem *problem, const struct problem_features *features,
                           const struct advice_item *item, struct json_writer *w)
{
    const struct cost *cost = &item->cost;
    bool timed = features->seconds > 0;

    json_write_key(w, "expected");
    if (!item->is_usable) {
        json_write_null(w);
        return;
    }
    json_object_begin(w);
    json_put_number(w, "trials", cost->trials);
    json_put_number(w, "full_evaluations", rounded(cost->evaluations, 0.01));
    put_known(w, "resource", resource_of(problem->study, cost->evaluations),
              problem->study->has_resource);
    put_known(w, "worker_seconds", cost->evaluations * features->seconds, timed);
    put_known(w, "finish_seconds", cost->span, timed);
    put_known(w, "waiting_seconds", cost->waiting, timed);
    put_known(w, "regret", rounded(item->regret.mean, 0.001), item->has_regret);
    write_interval(item, w);
    json_put_bool(w, "measured", item->is_measured);
    json_object_end(w);
}

static void write_strategy(const struct advice_item *item, struct json_writer *w)
{
    const char *key;
    json_t *value;

    json_write_key(w, "strategy");
    json_object_begin(w);
    json_put_string(w, "name", item->technique->strategy);
    json_object_foreach (json_unconst(item->options), key, value) {
        json_put_value(w, key, value);
    }
    json_object_end(w);
}

static void write_item(const struct problem *problem, const struct problem_features *features,
                       size_t rank, const struct advice_item *item, struct json_writer *w)
{
    json_object_begin(w);
    json_put_int(w, "rank", (int64_t)rank);
    json_put_string(w, "title", item->technique->title);
    json_put_string(w, "does", item->technique->does);
    write_strategy(item, w);
    json_put_bool(w, "usable", item->is_usable);
    put_list(w, "refused", item->refused);
    put_list(w, "for", item->pro);
    put_list(w, "against", item->con);
    write_expected(problem, features, item, w);
    put_list(w, "brackets", item->brackets);
    json_put_bool(w, "median_stopping", item->takes_median);
    json_put_string(w, "serving", item->is_exact ? "exact" : "prepared");
    put_list(w, "study", item->study);
    json_object_end(w);
}

void advice_write(const struct problem *problem, const struct advice *advice, struct json_writer *w)
{
    write_problem(problem, &advice->features, w);
    put_list(w, "assumed", advice->assumed);
    put_list(w, "warnings", advice->warnings);
    json_write_key(w, "asked");
    if (advice->asked < 0) {
        json_write_null(w);
    } else {
        json_write_int(w, advice->asked + 1);
    }
    json_write_key(w, "items");
    json_array_begin(w);
    for (size_t i = 0; i < advice->n; i++) {
        write_item(problem, &advice->features, i + 1, &advice->items[i], w);
    }
    json_array_end(w);
}

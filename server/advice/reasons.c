#include "server/advice/reasons.h"

#include <math.h>
#include <stdio.h>

#include "common/step.h"
#include "server/advice/sentence.h"

static const char *kind_words(enum problem_kind kind)
{
    switch (kind) {
    case KIND_NUMBERS:
        return "problems of numbers alone";
    case KIND_MIXED:
        return "problems with categories and conditions";
    case KIND_NOISY:
        return "noisy problems";
    case KIND_CURVES:
        return "learning curves";
    case KIND_COUNT:
        break;
    }
    return "such problems";
}

static bool stops_early(const struct advice_item *item)
{
    return item->brackets != NULL;
}

static bool is_gaussian(const struct advice_item *item)
{
    return item->technique->model == MODEL_GAUSSIAN;
}

/* Whether trials are stopped by the rank of single values. */
static bool decides_by_rank(const struct advice_item *item)
{
    return stops_early(item) && item->technique->plan != PLAN_FORECAST;
}

/* ---- what was measured ----------------------------------------------------------------------- */

static void add_measured(const struct problem *problem, const struct problem_features *features,
                         struct advice_item *item)
{
    const struct technique *technique = item->technique;
    const struct technique *random = technique_find("random");
    const struct technique *relative =
        technique->figures_of == NULL ? technique : technique_find(technique->figures_of);
    char budget[NUMBER_TEXT_BYTES];
    char in_relative[80] = "";

    if (relative == random || problem->study->n_objectives > 1
        || !benchmark_has_figures(relative, features->kind)) {
        return;
    }
    double at = fmin(fmax(item->cost.evaluations, MEASURED_LEAST), MEASURED_MOST);
    char measured[NUMBER_TEXT_BYTES];
    struct figure baseline = benchmark_regret(random, features->kind, features->workers, at, NULL);
    struct figure regret = benchmark_regret(technique, features->kind, features->workers, at, NULL);
    bool is_better = regret.mean < baseline.mean - 0.01;
    if (relative != technique) {
        (void)snprintf(in_relative, sizeof in_relative, " in %s, its relative", relative->title);
    }
    sentence_add(is_better ? item->pro : item->con,
                 "measured on %s, %s full evaluations' worth left a regret of %s%s, those of "
                 "random search %.2f (0: the best known, 1: the median random configuration)",
                 kind_words(features->kind), number_text(round(at), budget),
                 regret_text(regret, measured), in_relative, baseline.mean);
}

/* ---- the space ------------------------------------------------------------------------------- */

static void add_space(const struct problem *problem, const struct problem_features *features,
                      struct advice_item *item)
{
    char all[NUMBER_TEXT_BYTES];
    char trials[NUMBER_TEXT_BYTES];
    bool is_several = problem->study->n_objectives > 1;

    if (item->tries_all) {
        sentence_add(item->pro, "there are only %s configurations, and all of them will be tried",
                     number_text(features->configurations, all));
    } else if (item->technique->is_grid) {
        sentence_add(item->con,
                     "the budget is for %s of its points: it stops where the budget ends",
                     number_text(item->cost.trials, trials));
    }
    if (is_gaussian(item) && features->n_searched > MEASURED_PARAMETERS) {
        sentence_add(item->con, "%zu parameters are searched, and it was measured with at most %d",
                     features->n_searched, MEASURED_PARAMETERS);
    }
    if (is_gaussian(item) && is_several && item->cost.trials > ADVICE_MANY_TRIALS_SEVERAL) {
        sentence_add(item->con,
                     "its model holds a part of so many trials only; with several objectives a "
                     "genetic algorithm scales better from %d on",
                     ADVICE_MANY_TRIALS_SEVERAL);
    } else if (is_gaussian(item) && item->cost.trials > ADVICE_MANY_TRIALS) {
        sentence_add(item->con,
                     "its model holds a part of so many trials only; from %d on densities scale "
                     "better",
                     ADVICE_MANY_TRIALS);
    }
}

/* What a technique makes of several objectives. */
static const char *use_of_several(enum technique_model model)
{
    switch (model) {
    case MODEL_GAUSSIAN:
        return "with a model of each it seeks what adds most to the front";
    case MODEL_DENSITIES:
        return "good are the configurations of the first fronts, those that add most to the "
               "dominated volume before the others";
    case MODEL_POPULATION:
        return "parents come from the first fronts, the least crowded before the others";
    case MODEL_NONE:
        break;
    }
    return "an even spread serves every front";
}

static void add_objective(const struct problem *problem, struct advice_item *item)
{
    if (problem->study->n_objectives > 1) {
        sentence_add(item->pro, "takes %zu objectives: %s", problem->study->n_objectives,
                     use_of_several(item->technique->model));
    }
    if (problem->noisy != ANSWER_YES) {
        return;
    }
    if (is_gaussian(item)) {
        sentence_add(item->pro,
                     "estimates the noise, and trusts its mean rather than one lucky value");
    } else if (decides_by_rank(item)) {
        sentence_add(item->con,
                     "with noise the order within a rung is partly luck, and who is out stays "
                     "out");
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

static void add_waiting(const struct problem_features *features, struct advice_item *item)
{
    char duration[NUMBER_TEXT_BYTES];
    char evaluation[NUMBER_TEXT_BYTES];
    double seconds = benchmark_suggestion_seconds(item->technique, item->cost.trials);

    if (seconds <= 0.0) {
        return;
    }
    (void)duration_text(seconds, duration);
    if (features->seconds <= 0 && seconds < 0.005) {
        return;
    }
    if (features->seconds <= 0) {
        sentence_add(item->con,
                     "a suggestion takes %s of the server by the end; that matters where "
                     "evaluations take seconds",
                     duration);
    } else if (item->cost.waiting > 0.05 * item->cost.span) {
        sentence_add(item->con,
                     "workers would wait %.0f %% of the time: a suggestion takes %s by the end, an "
                     "evaluation %s on %.0f workers",
                     100.0 * item->cost.waiting / item->cost.span, duration,
                     duration_text(features->seconds, evaluation), features->workers);
    } else {
        sentence_add(item->pro,
                     "a suggestion takes %s at most, an evaluation %s: no worker waits for it",
                     duration, duration_text(features->seconds, evaluation));
    }
}

static void add_workers(const struct problem_features *features, struct advice_item *item)
{
    const json_t *rungs = json_object_get(json_array_get(item->brackets, 0), "rungs");
    double first = json_number_value(json_object_get(json_array_get(rungs, 0), "trials"));

    if (item->technique->plan == PLAN_BRACKETS && features->workers > first / 3.0) {
        sentence_add(item->con,
                     "%.0f workers are many for a first rung of %.0f: later rungs are smaller, "
                     "and more brackets are open at once",
                     features->workers, first);
    } else if (stops_early(item) && features->workers > 1
               && item->technique->plan != PLAN_BRACKETS) {
        sentence_add(item->pro, "no rung is ever waited for: %.0f workers train all the time",
                     features->workers);
    }
    if (!stops_early(item) && features->workers > MEASURED_WORKERS
        && item->technique->model != MODEL_NONE) {
        sentence_add(item->con,
                     "what it learns from, it learns %.0f at a time; it was measured with at most "
                     "%d workers",
                     features->workers, MEASURED_WORKERS);
    }
}

/* ---- stopping early -------------------------------------------------------------------------- */

/* What early stopping makes of the budget: more trials, or a lower cost. */
static void add_price(const struct problem *problem, const struct problem_features *features,
                      struct advice_item *item)
{
    char trials[NUMBER_TEXT_BYTES];
    char full[NUMBER_TEXT_BYTES];

    if (features->source == BUDGET_TRIALS && problem->keeps_limits) {
        sentence_add(item->pro, "its %s trials cost about %s full trainings",
                     number_text(item->cost.trials, trials),
                     number_text(ceil(item->cost.evaluations), full));
        return;
    }
    sentence_add(item->pro, "tries about %s configurations for the price of %s full trainings",
                 number_text(item->cost.trials, trials), number_text(item->cost.evaluations, full));
    if (features->source == BUDGET_TRIALS) {
        sentence_add(item->pro,
                     "its study limits the resource to that price instead of the trials to %s",
                     number_text(features->evaluations, full));
    }
}

static void add_stopping(const struct problem *problem, const struct problem_features *features,
                         struct advice_item *item)
{
    const struct study_def *study = problem->study;
    char starts[NUMBER_TEXT_BYTES];
    char full[STEP_BYTES];
    double more = item->cost.share_from_zero / item->cost.share - 1.0;

    if (!stops_early(item)) {
        if (features->has_levels) {
            sentence_add(item->con, "trains every trial to %s %s, those without a chance as well",
                         step_format(study->resource_max, study->resource_digits, full),
                         study->resource_name);
        }
        return;
    }
    add_price(problem, features, item);
    if (item->technique->plan == PLAN_FORECAST) {
        sentence_add(item->pro, "pauses nothing, so a program without checkpoints loses nothing");
    } else if (item->technique->pauses && problem->checkpoints == ANSWER_NO) {
        sentence_add(
            item->con,
            "without checkpoints a trial that goes on starts from zero: %.0f %% more training",
            100.0 * more);
    } else if (item->technique->pauses) {
        sentence_add(item->con, "needs checkpoints; without them it costs %.0f %% more",
                     100.0 * more);
    }
    if (item->cost.trials > 1000) {
        sentence_add(item->con, "starts the program some %s times: dear where a start takes long",
                     number_text(item->cost.trials, starts));
    }
    if (decides_by_rank(item)) {
        sentence_add(item->con, "who is slow at the start is lost, however good the end would be");
    }
    if (problem->experience == EXPERIENCE_NEW) {
        sentence_add(item->con,
                     "the program must report while it trains%s: more to get right the first time",
                     item->technique->pauses ? ", pause and go on" : "");
    }
}

static void add_search(const struct problem_features *features, struct advice_item *item)
{
    char few[NUMBER_TEXT_BYTES];

    switch (item->technique->model) {
    case MODEL_NONE:
        if (technique_stops_early(item->technique)) {
            sentence_add(item->con,
                         "its configurations are drawn at random unless `search` says otherwise");
        } else {
            sentence_add(item->con, "learns nothing from results");
            sentence_add(item->pro, "nothing to set, nothing to wait for, any number of workers");
        }
        break;
    case MODEL_POPULATION:
        sentence_add(item->con, "learns slowly: it needs more results than a model does");
        break;
    case MODEL_DENSITIES:
        if (features->evaluations < 50) {
            sentence_add(item->con,
                         "needs some 50 results before it is clearly better than random, and has "
                         "%s",
                         number_text(floor(features->evaluations), few));
        }
        break;
    case MODEL_GAUSSIAN:
        break;
    }
}

/* What the search makes of the outcome constraints. */
static void add_bounds(const struct problem *problem, struct advice_item *item)
{
    if (problem->study->n_bounds > 0 && item->technique->model == MODEL_NONE) {
        sentence_add(item->con,
                     "does not learn where %s holds: as many of its trials violate it at "
                     "the end as at the beginning",
                     problem->study->n_bounds == 1 ? "the constraint of subject_to"
                                                   : "what subject_to asks for");
    }
}

void advice_add_reasons(const struct problem *problem, const struct problem_features *features,
                        struct advice_item *item)
{
    add_measured(problem, features, item);
    add_space(problem, features, item);
    add_objective(problem, item);
    add_stopping(problem, features, item);
    add_workers(features, item);
    add_waiting(features, item);
    add_search(features, item);
    add_bounds(problem, item);
    if (problem->experience == EXPERIENCE_EXPERT && item->technique->options != NULL) {
        sentence_add(item->pro, "leaves to set: %s", item->technique->options);
    }
}

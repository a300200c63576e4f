#include "server/domain/study.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void chosen_finish(struct chosen *chosen)
{
    json_decref(chosen->options);
    json_decref(chosen->because);
    *chosen = (struct chosen){0};
}

void study_def_destroy(struct study_def *def)
{
    if (def == NULL) {
        return;
    }
    free(def->description);
    json_decref(def->labels);
    space_destroy(def->space);
    json_decref(def->strategy_options);
    chosen_finish(&def->chosen);
    json_decref(def->stopping_options);
    json_decref(def->job);
    json_decref(def->requires_labels);
    json_decref(def->after);
    free(def);
}

int64_t study_step_down(const struct study_def *def, int64_t step)
{
    return def->resource_step > 0 ? step - step % def->resource_step : step;
}

enum feasibility study_feasibility(const struct study_def *def, const double bounded[])
{
    return feasibility_of(def->n_bounds, def->bounds, bounded);
}

double study_violation(const struct study_def *def, const double bounded[])
{
    return constraint_violation(def->n_bounds, def->bounds, bounded);
}

int64_t study_best_level(const struct study_def *def, enum trial_state state, int64_t step,
                         const double config[], const double bounded[])
{
    bool has_rung = state == TRIAL_PRUNED || state == TRIAL_PAUSED;

    if ((state != TRIAL_COMPLETED && !(has_rung && def->has_resource))
        || !space_is_legal(def->space, config) || study_feasibility(def, bounded) != FEASIBLE) {
        return -1;
    }
    return !def->has_resource         ? 0
           : state == TRIAL_COMPLETED ? def->resource_max
                                      : study_step_down(def, step);
}

int no_such_study(const char *name, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no study \"%.70s\"; GET /v1/studies lists them",
                   name);
}

const char *study_strategy(const struct study_def *def)
{
    return def->chosen.name[0] != '\0' ? def->chosen.name : def->strategy;
}

const json_t *study_strategy_options(const struct study_def *def)
{
    return def->chosen.name[0] != '\0' ? def->chosen.options : def->strategy_options;
}

double study_cost(const struct study_def *def, double value)
{
    return study_objective_cost(def, 0, value);
}

double study_objective_cost(const struct study_def *def, size_t objective, double value)
{
    return def->objectives[objective].direction == DIRECTION_MAXIMIZE ? -value : value;
}

size_t study_find_objective(const struct study_def *def, const char *metric)
{
    size_t i = 0;

    while (i < def->n_objectives && strcmp(def->objectives[i].metric, metric) != 0) {
        i++;
    }
    return i;
}

bool study_is_objective(const struct study_def *def, const char *metric)
{
    return study_find_objective(def, metric) < def->n_objectives;
}

bool study_is_better(const struct study_def *def, double a, double b)
{
    if (!isfinite(a) || !isfinite(b)) {
        return isfinite(a) && !isfinite(b);
    }
    return study_cost(def, a) < study_cost(def, b);
}

int64_t failures_in_row_max(const struct limits *limits, bool has_value)
{
    if (limits->failures >= 0) {
        return -1;
    }
    return has_value ? FAILURES_IN_ROW : FAILURES_WITHOUT_VALUE;
}

void failures_in_row_explain(bool has_value, int64_t failed_in_row, char *text, size_t size)
{
    (void)snprintf(text, size,
                   has_value ? "%" PRId64 " trials in a row failed; look at one of them, mend the "
                               "cause, then 'hone study retry NAME'"
                             : "the first %" PRId64 " trials failed and no trial had a value; look "
                               "at one of them, mend the cause, then 'hone study retry NAME'",
                   failed_in_row);
}

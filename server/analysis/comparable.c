#include "server/analysis/comparable.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void comparable_finish(struct comparable *comparable)
{
    for (size_t i = 0; i < comparable->n; i++) {
        free(comparable->points[i].config);
    }
    free(comparable->points);
    comparable->points = NULL;
    comparable->n = 0;
}

void comparable_metric_init(struct comparable_metric *metric, const struct study_def *def,
                            const char *name)
{
    *metric = (struct comparable_metric){.objective = -1};
    for (size_t i = 0; i < def->n_objectives && metric->objective < 0; i++) {
        if (name == NULL || strcmp(def->objectives[i].metric, name) == 0) {
            memcpy(metric->name, def->objectives[i].metric, sizeof metric->name);
            metric->direction = def->objectives[i].direction;
            metric->fold = def->objectives[i].fold;
            metric->objective = (int)i;
        }
    }
    if (metric->objective < 0) {
        (void)snprintf(metric->name, sizeof metric->name, "%s", name == NULL ? "" : name);
    }
}

double comparable_cost(const struct comparable_metric *metric, double value)
{
    return metric->direction == DIRECTION_MAXIMIZE ? -value : value;
}

double comparable_rank_cost(const struct comparable_metric *metric,
                            const struct comparable_point *point, double value)
{
    double violation = point->violation;

    if (metric->objective < 0 || violation <= 0) {
        return comparable_cost(metric, value);
    }
    return COMPARABLE_VIOLATES
           + COMPARABLE_VIOLATES * (isfinite(violation) ? violation / (1 + violation) : 1);
}

static int value_of_row(const struct comparable_metric *metric, const struct trial_row *row,
                        double *value, struct err *err)
{
    if (metric->objective < 0) {
        return metrics_value(row->metrics, metric->name, value, err);
    }
    size_t objective = (size_t)metric->objective;
    *value = objective < row->n_values ? row->values[objective] : (double)NAN;
    return 0;
}

int comparable_add(void *context, struct trial_row *row, struct err *err)
{
    struct comparable *comparable = context;
    double value;

    if (row->state != TRIAL_COMPLETED && !comparable->def->has_resource) {
        return 0; /* without levels a pruned trial cannot be compared with complete ones */
    }
    if (comparable->n == comparable->cap) {
        size_t cap = comparable->cap == 0 ? 256 : comparable->cap * 2;
        struct comparable_point *points = realloc(comparable->points, cap * sizeof *points);
        if (points == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory for the values of a metric");
        }
        comparable->points = points;
        comparable->cap = cap;
    }
    TRY(value_of_row(comparable->metric, row, &value, err));
    comparable->points[comparable->n++] = (struct comparable_point){
        .number = trial_id_number(row->id),
        .config = row->config,
        .is_closed = row->state == TRIAL_COMPLETED,
        .step = row->has_step ? row->step : 0,
        .value = value,
        .violation = study_violation(comparable->def, trial_row_bounded(row)),
    };
    row->config = NULL; /* moved */
    return 0;
}

static int highest_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x < y) - (x > y);
}

int comparable_choose_level(struct comparable *comparable, struct err *err)
{
    size_t half = (comparable->n + 1) / 2;
    size_t enough = half < COMPARABLE_ENOUGH ? half : COMPARABLE_ENOUGH;

    if (!comparable->def->has_resource || comparable->n == 0) {
        return 0;
    }
    OWN(memory) int64_t *reached = calloc(comparable->n, sizeof *reached);
    if (reached == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for the values of a metric");
    }
    for (size_t i = 0; i < comparable->n; i++) {
        const struct comparable_point *point = &comparable->points[i];
        reached[i] = point->is_closed ? comparable->def->resource_max
                                      : study_step_down(comparable->def, point->step);
    }
    qsort(reached, comparable->n, sizeof *reached, highest_first);
    comparable->level = reached[enough - 1];
    return 0;
}

bool comparable_value(const struct comparable *comparable, const struct comparable_point *point,
                      double *value)
{
    int64_t reached = study_step_down(comparable->def, point->step);
    bool is_beyond = comparable->level > 0 && reached > comparable->level;
    bool is_below = comparable->level > 0 && reached < comparable->level && !point->is_closed;

    *value = is_beyond || is_below ? (double)NAN : point->value;
    return !is_below && !isfinite(*value);
}

void comparable_fold(const struct comparable *comparable, int64_t step, double measured,
                     double *value)
{
    const struct comparable_metric *metric = comparable->metric;

    if (comparable->level > 0 && study_step_down(comparable->def, step) > comparable->level) {
        return;
    }
    if (metric->fold == FOLD_BEST && isfinite(*value)) {
        measured = metric->direction == DIRECTION_MAXIMIZE ? fmax(measured, *value)
                                                           : fmin(measured, *value);
    }
    *value = measured;
}

#include "server/strategy/gp/pareto_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/nondominated.h"

enum { FIRST = 20 };

static const double margin = 0.1;       /* of the range of the front */
static const double least_range = 1e-3; /* of a front without a range */
static const double noise_least = 1e-3; /* variance from which an objective is noisy */

void pareto_set_finish(struct pareto_set *set)
{
    free(set->result);
    free(set->cost);
    *set = (struct pareto_set){0};
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The median of the first results with a value. */
static double early_median(const struct metric_model *model, size_t n_done)
{
    double sorted[FIRST];
    size_t n = 0;

    for (size_t i = 0; i < model->n && n < FIRST; i++) {
        if (model->row[i] < n_done) {
            sorted[n++] = model->y[i];
        }
    }
    qsort(sorted, n, sizeof *sorted, by_value);
    return n == 0 ? 0.0 : sorted[(n - 1) / 2];
}

static void set_reference(struct pareto_set *set, const struct study_def *study,
                          const struct metric_model models[], size_t n_done)
{
    for (size_t k = 0; k < set->m; k++) {
        const struct objective *objective = &study->objectives[k];
        if (objective->has_goal) {
            set->reference[k] = transform_apply(&models[k].transform,
                                                study_objective_cost(study, k, objective->goal));
            continue;
        }
        double low = INFINITY;
        double high = -INFINITY;
        for (size_t i = 0; i < set->n; i++) {
            low = fmin(low, set->cost[i * set->m + k]);
            high = fmax(high, set->cost[i * set->m + k]);
        }
        double least = early_median(&models[k], n_done);
        set->reference[k] = fmax(high + margin * fmax(high - low, least_range), least);
    }
}

/* The cost of a result by which it is compared. */
static double cost_of(const struct metric_model *model, size_t i)
{
    return model->gp->noise > noise_least ? metric_model_mean_at(model, i)
                                          : model->y[i] + model->offset[i];
}

int pareto_set_init(struct pareto_set *set, const struct study_def *study, size_t m,
                    const struct metric_model models[], size_t n_done, const bool feasible[],
                    struct err *err)
{
    size_t n = models[0].n;
    size_t n_kept = 0;
    OWN(memory) size_t *front = calloc(n + 1, sizeof *front);

    *set = (struct pareto_set){.m = m};
    set->result = calloc(n + 1, sizeof *set->result);
    set->cost = calloc(n * m + 1, sizeof *set->cost);
    if (front == NULL || set->result == NULL || set->cost == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a front");
    }
    for (size_t i = 0; i < n; i++) {
        size_t row = models[0].row[i];
        if (row < n_done && (feasible == NULL || feasible[row])) {
            for (size_t k = 0; k < m; k++) {
                set->cost[n_kept * m + k] = cost_of(&models[k], i);
            }
            set->result[n_kept++] = i;
        }
    }
    set->n = nondominated_front(n_kept, m, set->cost, front);
    for (size_t i = 0; i < set->n; i++) {
        set->result[i] = set->result[front[i]];
        memmove(set->cost + i * m, set->cost + front[i] * m, m * sizeof *set->cost);
    }
    set_reference(set, study, models, n_done);
    return 0;
}

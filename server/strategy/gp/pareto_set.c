#include "server/strategy/gp/pareto_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/nondominated.h"
#include "server/strategy/initial_design.h"

enum { FIRST_MAX = 20 };

/* points of a front of so many objectives: of four they have up to about n² boxes */
static const size_t points_most[MODELLED_OBJECTIVES_MAX + 1] = {0, 0, 300, 150, 40};
static const double margin = 0.1;       /* of the range of the front */
static const double least_range = 1e-3; /* of a front without a range */
static const double farthest = 1e3;     /* a goal before there is a front */

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

/* The upper quartile of the first results with a value, as many as the initial design has. */
static double early_quartile(const struct regression_data *rows, size_t n_done, size_t first)
{
    double sorted[FIRST_MAX];
    size_t n = n_done < first ? n_done : first;

    if (n == 0) {
        return 0.0;
    }
    memcpy(sorted, rows->y, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    return sorted[3 * (n - 1) / 4];
}

static void set_reference(struct pareto_set *set, const struct study_def *study,
                          const struct metric_model models[], const struct metric_data data[],
                          size_t n_done)
{
    size_t first = (size_t)initial_design_size(study);

    first = first < FIRST_MAX ? first : FIRST_MAX;
    for (size_t k = 0; k < set->m; k++) {
        const struct objective *objective = &study->objectives[k];
        double low = INFINITY;
        double high = -INFINITY;
        for (size_t i = 0; i < set->n; i++) {
            low = fmin(low, set->cost[i * set->m + k]);
            high = fmax(high, set->cost[i * set->m + k]);
        }
        if (objective->has_goal) {
            double cost = study_objective_cost(study, k, objective->goal);
            set->reference[k] =
                transform_target(&models[k].transform, cost, set->n > 0 ? low : -farthest);
            continue;
        }
        double least = early_quartile(&data[k].rows, n_done, first);
        set->reference[k] = fmax(high + margin * fmax(high - low, least_range), least);
    }
}

/* The cost of a result by which it is compared. */
static double cost_of(const struct metric_model *model, size_t i)
{
    return metric_model_is_noisy(model) ? metric_model_mean_at(model, i)
                                        : model->y[i] + model->offset[i];
}

/* A point of the front, and how far its neighbours are. */
struct spaced_point {
    double distance;
    size_t point;
};

static int by_distance(const void *a, const void *b)
{
    const struct spaced_point *x = a;
    const struct spaced_point *y = b;

    if (x->distance < y->distance || x->distance > y->distance) {
        return x->distance > y->distance ? -1 : 1;
    }
    return (x->point > y->point) - (x->point < y->point);
}

static int by_point(const void *a, const void *b)
{
    size_t x = ((const struct spaced_point *)a)->point;
    size_t y = ((const struct spaced_point *)b)->point;

    return (x > y) - (x < y);
}

/* Of a front of very many points those that stand apart, so that the number of boxes is bounded. */
static int thin_out(struct pareto_set *set, struct err *err)
{
    size_t m = set->m;
    size_t most = points_most[m];
    OWN(memory) double *distance = calloc(set->n + 1, sizeof *distance);
    OWN(memory) struct spaced_point *points = calloc(set->n + 1, sizeof *points);

    if (distance == NULL || points == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a front");
    }
    if (set->n <= most) {
        return 0;
    }
    TRY(nondominated_crowding(set->n, m, set->cost, NULL, distance, err));
    for (size_t i = 0; i < set->n; i++) {
        points[i] = (struct spaced_point){distance[i], i};
    }
    qsort(points, set->n, sizeof *points, by_distance);
    qsort(points, most, sizeof *points, by_point);
    for (size_t i = 0; i < most; i++) {
        set->result[i] = set->result[points[i].point];
        memmove(set->cost + i * m, set->cost + points[i].point * m, m * sizeof *set->cost);
    }
    set->n = most;
    return 0;
}

int pareto_set_init(struct pareto_set *set, const struct study_def *study, size_t m,
                    const struct metric_model models[], const struct metric_data data[],
                    size_t n_done, const bool feasible[], struct err *err)
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
    TRY(thin_out(set, err));
    set_reference(set, study, models, data, n_done);
    return 0;
}

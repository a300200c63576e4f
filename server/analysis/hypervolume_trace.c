#include "server/analysis/hypervolume_trace.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "server/model/hypervolume.h"
#include "server/model/nondominated.h"

void hypervolume_trace_init(struct hypervolume_trace *trace, const struct study_def *def)
{
    *trace = (struct hypervolume_trace){.def = def};
}

void hypervolume_trace_finish(struct hypervolume_trace *trace)
{
    free(trace->points);
    trace->points = NULL;
}

int hypervolume_trace_add(void *context, struct trial_row *row, struct err *err)
{
    struct hypervolume_trace *trace = context;
    const struct study_def *def = trace->def;
    struct hypervolume_point point = {
        .ended_seq = row->ended_seq,
        .number = trial_id_number(row->id),
        .ended_at_ms = row->ended_at_ms,
        .is_feasible = study_feasibility(def, trial_row_bounded(row)) == FEASIBLE,
    };

    for (size_t k = 0; k < def->n_objectives; k++) {
        if (k >= row->n_values || !isfinite(row->values[k])) {
            return 0;
        }
        point.costs[k] = study_objective_cost(def, k, row->values[k]);
    }
    TRY(array_reserve(&trace->points, trace->n, &trace->cap, sizeof *trace->points, err));
    trace->points[trace->n++] = point;
    return 0;
}

static int by_end(const void *a, const void *b)
{
    const struct hypervolume_point *x = a;
    const struct hypervolume_point *y = b;

    if (x->ended_seq != y->ended_seq) {
        return x->ended_seq < y->ended_seq ? -1 : 1;
    }
    return (x->number > y->number) - (x->number < y->number);
}

void hypervolume_trace_order(struct hypervolume_trace *trace)
{
    size_t n = trace->n < HYPERVOLUME_FIRST ? trace->n : HYPERVOLUME_FIRST;

    if (trace->n > 0) {
        qsort(trace->points, trace->n, sizeof *trace->points, by_end);
    }
    for (size_t k = 0; k < trace->def->n_objectives; k++) {
        double least = (double)INFINITY;
        double most = -(double)INFINITY;
        for (size_t i = 0; i < n; i++) {
            least = fmin(least, trace->points[i].costs[k]);
            most = fmax(most, trace->points[i].costs[k]);
        }
        trace->reference[k] = n == 0 ? 0.0 : fmin(most + (0.1 * most - 0.1 * least), DBL_MAX);
    }
}

/* The front so far, one point a column. */
struct front {
    size_t n, m;
    double *cost;
};

/* Whether the point adds nothing: it is dominated or equalled, or not better than the reference. */
static bool is_covered(const struct front *front, const double costs[], const double reference[])
{
    for (size_t k = 0; k < front->m; k++) {
        if (costs[k] >= reference[k]) {
            return true;
        }
    }
    for (size_t i = 0; i < front->n; i++) {
        bool is_better = false;
        for (size_t k = 0; k < front->m && !is_better; k++) {
            is_better = costs[k] < front->cost[i * front->m + k];
        }
        if (!is_better) {
            return true;
        }
    }
    return false;
}

/* Puts the point on the front, which those that it dominates leave. */
static void join(struct front *front, const double costs[])
{
    size_t kept = 0;

    for (size_t i = 0; i < front->n; i++) {
        if (!nondominated_dominates(front->m, costs, front->cost + i * front->m)) {
            memmove(front->cost + kept++ * front->m, front->cost + i * front->m,
                    front->m * sizeof *front->cost);
        }
    }
    memcpy(front->cost + kept * front->m, costs, front->m * sizeof *costs);
    front->n = kept + 1;
}

int hypervolume_trace_build(struct hypervolume_trace *trace, struct err *err)
{
    size_t m = trace->def->n_objectives;
    OWN(memory) double *cost = calloc(trace->n * m + 1, sizeof *cost);
    struct front front = {.m = m, .cost = cost};
    double volume = 0.0;

    if (cost == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for the front");
    }
    for (size_t i = 0; i < trace->n; i++) {
        struct hypervolume_point *point = &trace->points[i];
        if (point->is_feasible && !is_covered(&front, point->costs, trace->reference)) {
            TRY(hypervolume_added(front.n, m, front.cost, trace->reference, point->costs,
                                  &point->added, err));
            join(&front, point->costs);
            volume += point->added;
        }
        point->volume = volume;
    }
    return 0;
}

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
    free(trace->front);
    trace->points = NULL;
    trace->front = NULL;
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

/* Whether the point adds nothing: it is dominated or equalled, or not better than the reference. */
static bool is_covered(const struct hypervolume_trace *trace, const double costs[])
{
    size_t m = trace->def->n_objectives;

    for (size_t k = 0; k < m; k++) {
        if (costs[k] >= trace->reference[k]) {
            return true;
        }
    }
    for (size_t i = 0; i < trace->n_front; i++) {
        bool is_better = false;
        for (size_t k = 0; k < m && !is_better; k++) {
            is_better = costs[k] < trace->front[i * m + k];
        }
        if (!is_better) {
            return true;
        }
    }
    return false;
}

/* Puts the point on the front, which those that it dominates leave. */
static void join(struct hypervolume_trace *trace, const double costs[])
{
    size_t m = trace->def->n_objectives;
    size_t kept = 0;

    for (size_t i = 0; i < trace->n_front; i++) {
        if (!nondominated_dominates(m, costs, trace->front + i * m)) {
            if (kept < i) {
                memcpy(trace->front + kept * m, trace->front + i * m, m * sizeof *costs);
            }
            kept++;
        }
    }
    memcpy(trace->front + kept * m, costs, m * sizeof *costs);
    trace->n_front = kept + 1;
}

static int build_next(struct hypervolume_trace *trace, struct err *err)
{
    struct hypervolume_point *point = &trace->points[trace->n_built];

    if (point->is_feasible && !is_covered(trace, point->costs)) {
        TRY(hypervolume_added(trace->n_front, trace->def->n_objectives, trace->front,
                              trace->reference, point->costs, &point->added, err));
        join(trace, point->costs);
        trace->built_volume += point->added;
    }
    point->volume = trace->built_volume;
    trace->n_built++;
    return 0;
}

int hypervolume_trace_step(struct hypervolume_trace *trace, size_t n_pairs, bool *more,
                           struct err *err)
{
    size_t looked_at = 0;

    if (trace->front == NULL) {
        trace->front = calloc(trace->n * trace->def->n_objectives + 1, sizeof *trace->front);
        if (trace->front == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory for the front");
        }
    }
    while (trace->n_built < trace->n && looked_at < n_pairs) {
        looked_at += trace->n_front + 1;
        TRY(build_next(trace, err));
    }
    *more = trace->n_built < trace->n;
    return 0;
}

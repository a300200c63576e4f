#include "server/analysis/trace.h"

#include <math.h>
#include <stdlib.h>

void trace_finish(struct trace *trace)
{
    free(trace->points);
    trace->points = NULL;
}

int trace_add(void *context, struct trial_row *row, struct err *err)
{
    struct trace *trace = context;
    double value = trial_row_value(row);

    if (!isfinite(value)) {
        return 0;
    }
    if (trace->n == trace->cap) {
        size_t cap = trace->cap == 0 ? 256 : trace->cap * 2;
        struct trace_point *points = realloc(trace->points, cap * sizeof *points);
        if (points == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory for the trace");
        }
        trace->points = points;
        trace->cap = cap;
    }
    if (study_feasibility(trace->def, trial_row_bounded(row)) != FEASIBLE) {
        value = (double)NAN;
    }
    trace->points[trace->n++] = (struct trace_point){.ended_seq = row->ended_seq,
                                                     .number = trial_id_number(row->id),
                                                     .ended_at_ms = row->ended_at_ms,
                                                     .has_step = row->has_step,
                                                     .step = row->step,
                                                     .value = value};
    return 0;
}

static int by_end(const void *a, const void *b)
{
    const struct trace_point *x = a;
    const struct trace_point *y = b;

    if (x->ended_seq != y->ended_seq) {
        return x->ended_seq < y->ended_seq ? -1 : 1;
    }
    return (x->number > y->number) - (x->number < y->number);
}

void trace_keep_improvements(struct trace *trace)
{
    size_t kept = 0;

    if (trace->n > 0) {
        qsort(trace->points, trace->n, sizeof trace->points[0], by_end);
    }
    for (size_t i = 0; i < trace->n; i++) {
        trace->points[i].n_ended = (int64_t)i + 1;
        double value = trace->points[i].value;
        if (isfinite(value)
            && (kept == 0 || study_is_better(trace->def, value, trace->points[kept - 1].value))) {
            trace->points[kept++] = trace->points[i];
        }
    }
    trace->n = kept;
}

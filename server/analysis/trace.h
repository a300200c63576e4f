/* The trace of a study with one objective: the completed trials that were the best when they ended.
 *
 * Set the definition, add the completed trials in any order, then keep the improvements. Plain
 * memory; not shared between threads. */
#ifndef SERVER_ANALYSIS_TRACE_H
#define SERVER_ANALYSIS_TRACE_H

#include "server/domain/study.h"
#include "server/store/store.h"

struct trace_point {
    int64_t ended_seq; /* of the event that ended the trial */
    int64_t number;
    int64_t ended_at_ms;
    bool has_step;
    int64_t step;
    double value;    /* NaN before the improvements are kept: it is not known to be feasible */
    int64_t n_ended; /* trials added that had ended by then, this one included */
};

struct trace {
    const struct study_def *def; /* borrowed; trials that violate its bounds improve nothing */
    size_t n, cap;
    struct trace_point *points;
};

void trace_finish(struct trace *trace);
OWN_VALUE(trace)

/* Adds a trial; one without a finite value changes nothing, one that is not feasible is counted.
 * For store_each_trial(): `trace` is a struct trace. ERR_NOMEM. */
MUST_USE int trace_add(void *trace, struct trial_row *row, struct err *err);
/* Orders the points by the end of their trials and keeps those that are better than all before.
 * O(n log n). */
void trace_keep_improvements(struct trace *trace);

#endif

/* The hypervolume over time of a study with at most HYPERVOLUME_OBJECTIVES_MAX objectives: how much
 * of the space of costs the trials that had ended by then dominate, up to a reference point.
 *
 * Add the completed trials in any order, choose the reference point, then build it in steps, as it
 * may take long. A trial that is
 * not known to be feasible adds nothing. Plain memory; not shared between threads. */
#ifndef SERVER_ANALYSIS_HYPERVOLUME_TRACE_H
#define SERVER_ANALYSIS_HYPERVOLUME_TRACE_H

#include "server/domain/study.h"
#include "server/store/store.h"

#define HYPERVOLUME_OBJECTIVES_MAX 4 /* with more, long fronts would take minutes */
#define HYPERVOLUME_FIRST 10         /* trials that the reference point comes from */

struct hypervolume_point {
    int64_t ended_seq; /* of the event that ended the trial */
    int64_t number;
    int64_t ended_at_ms;
    bool is_feasible;
    double costs[HYPERVOLUME_OBJECTIVES_MAX];
    double volume; /* of this trial and all before it */
    double added;  /* by this trial */
};

struct hypervolume_trace {
    const struct study_def *def; /* borrowed */
    size_t n, cap;
    struct hypervolume_point *points;
    double reference[HYPERVOLUME_OBJECTIVES_MAX]; /* costs */
    size_t n_built;                               /* points whose volume is known */
    size_t n_front;
    double *front; /* of the points until there, one a column; NULL before the first step */
    double built_volume;
};

/* An empty trace; the study has at most HYPERVOLUME_OBJECTIVES_MAX objectives. */
void hypervolume_trace_init(struct hypervolume_trace *trace, const struct study_def *def);
void hypervolume_trace_finish(struct hypervolume_trace *trace);
OWN_VALUE(hypervolume_trace)

/* Adds a trial; one without a finite value of each objective changes nothing. For
 * store_each_trial(): `trace` is a struct hypervolume_trace. ERR_NOMEM. */
MUST_USE int hypervolume_trace_add(void *trace, struct trial_row *row, struct err *err);
/* Orders the points by the end of their trials and chooses the reference point: in each objective
 * the worst value of the first HYPERVOLUME_FIRST trials and a tenth of their range more. Once so
 * many have ended it never moves. */
void hypervolume_trace_order(struct hypervolume_trace *trace);
/* Sets `volume` and `added` of the next points, with the reference as it is then, until about
 * `n_pairs` pairs of a point and one of the front before it were looked at (some 40 ns each), and
 * at least of one; *more ← whether points are left. All steps together: n times
 * hypervolume_added(). A volume beyond the range of a double is infinite; what is added to it then
 * is 0 where it cannot be told. ERR_NOMEM. */
MUST_USE int hypervolume_trace_step(struct hypervolume_trace *trace, size_t n_pairs, bool *more,
                                    struct err *err);

#endif

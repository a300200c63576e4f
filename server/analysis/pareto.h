/* The Pareto front of a study: the feasible completed trials that no other one dominates.
 *
 * Plain memory; not shared between threads. */
#ifndef SERVER_ANALYSIS_PARETO_H
#define SERVER_ANALYSIS_PARETO_H

#include "server/domain/study.h"
#include "server/store/store.h"

struct pareto_front {
    const struct study_def *def; /* borrowed */
    size_t n, cap;
    int64_t *numbers; /* of the trials, in the order in which they were added */
    double *costs;    /* of each trial one for each objective; smaller is better */
    size_t n_reduced; /* none of the first so many dominates another of them */
};

/* An empty front; borrows the definition. */
void pareto_front_init(struct pareto_front *front, const struct study_def *def);
void pareto_front_finish(struct pareto_front *front);
OWN_VALUE(pareto_front)

/* Adds a trial; one without a finite value of each objective and one that is not known to be
 * feasible change nothing. For store_each_trial(): `front` is a struct pareto_front. Memory stays
 * within a few times that of the front. ERR_NOMEM. */
MUST_USE int pareto_front_add(void *front, struct trial_row *row, struct err *err);
/* Leaves those that no other one dominates: to be called after the last one was added, and before
 * the front is looked at. The cost of nondominated_marks(), for all calls together with the number
 * of all that were added. ERR_NOMEM. */
MUST_USE int pareto_front_reduce(struct pareto_front *front, struct err *err);

#endif

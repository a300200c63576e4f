/* The Pareto front of a study: the feasible completed trials that no other one dominates.
 *
 * Plain memory; not shared between threads. */
#ifndef SERVER_ANALYSIS_PARETO_H
#define SERVER_ANALYSIS_PARETO_H

#include "server/domain/study.h"
#include "server/store/store.h"

struct pareto_point {
    int64_t number;               /* of the trial */
    double costs[OBJECTIVES_MAX]; /* smaller is better */
};

struct pareto_front {
    const struct study_def *def; /* borrowed */
    size_t n_objectives;
    enum direction directions[OBJECTIVES_MAX];
    size_t n, cap;
    struct pareto_point *points; /* in the order in which they were added; none dominates another */
};

/* An empty front; borrows the definition. */
void pareto_front_init(struct pareto_front *front, const struct study_def *def);
void pareto_front_finish(struct pareto_front *front);
OWN_VALUE(pareto_front)

/* Adds a trial; those that it dominates leave. A trial without a finite value of each objective,
 * one that is not known to be feasible and a dominated one change nothing. For store_each_trial():
 * `front` is a struct pareto_front. O(points). ERR_NOMEM. */
MUST_USE int pareto_front_add(void *front, struct trial_row *row, struct err *err);

#endif

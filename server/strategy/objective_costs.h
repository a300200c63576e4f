/* The costs of finished trials in every objective, and their order under constrained domination.
 *
 * A trial dominates another one if it is at least as good in every objective and better in one. The
 * front of a trial counts how often all trials that nothing dominates are set aside before it is
 * one of them. In the order
 *
 *   - completed trials come before pruned ones, of which those trained longer come first,
 *   - trials that meet every constraint come before the others, of which those with the smaller
 *     violation come first,
 *   - then the lower front comes first, and within a front the greater crowding distance,
 *   - then the smaller number.
 *
 * Deb, Pratap, Agarwal and Meyarivan, NSGA-II (2002), sections III and VI. One thread at a time. */
#ifndef SERVER_STRATEGY_OBJECTIVE_COSTS_H
#define SERVER_STRATEGY_OBJECTIVE_COSTS_H

#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "server/strategy/study_data.h"

struct objective_costs {
    const struct evaluations *evaluations; /* borrowed */
    size_t m;                              /* objectives */
    size_t n;                              /* trials with a finite cost of every objective */
    size_t *done;                          /* n: their indices in evaluations->done */
    double *cost;                          /* n × m; smaller is better */
    double *violation;                     /* n: 0 where every constraint is met */
};

/* ERR_NOMEM. */
MUST_USE int objective_costs_init(struct objective_costs *costs, const struct study_data *data,
                                  struct err *err);
void objective_costs_finish(struct objective_costs *costs);
OWN_VALUE(objective_costs)

/* Sorts n trials, indices below costs->n, best first. O(m n²) time, O(n) memory. ERR_NOMEM. */
MUST_USE int objective_costs_sort(const struct objective_costs *costs, size_t n, size_t items[],
                                  struct err *err);
#endif

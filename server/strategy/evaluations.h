/* The evaluations of a history as a model reads them: finished trials with costs, failed trials,
 * and pending trials.
 *
 * They are sorted by trial number, so that the order in which results arrived changes no digit. A
 * cost is the objective's value where smaller is better. A pruned trial did not reach the full
 * resource: its cost is raised to at least the median of the complete ones, so that a value
 * measured at a lower resource never becomes the incumbent. */
#ifndef SERVER_STRATEGY_EVALUATIONS_H
#define SERVER_STRATEGY_EVALUATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"
#include "common/space/space.h"
#include "server/domain/history.h"
#include "server/domain/study.h"

struct known_config {
    bool is_taken;
    struct space_key key;
};

struct evaluations {
    size_t n_done, n_failed, n_pending;
    size_t n_finished;   /* trials that are not pending, with or without a cost; fits count by it */
    const double **done; /* configurations of completed and pruned trials; borrowed */
    /* of done; finite: the costs of the first objective, and of each objective, in memory that
     * begins with those of the first */
    double *cost;
    double *costs[OBJECTIVES_MAX];
    double *measured; /* of done: the first cost before pruned ones were raised */
    int64_t *step;    /* of done: the resource it was measured at */
    bool *complete;   /* of done: not pruned */
    const struct observation **done_observed, **pending_observed; /* the whole observations */
    bool *feasible; /* of done: complete, and no bound of the study is violated */
    size_t n_feasible;
    const double **failed; /* configurations of failed and infeasible trials; borrowed */
    const struct observation **failed_observed;
    /* those of them that violate no bound as far as is known: why they failed is not told by the
     * bounded metrics */
    size_t n_unexplained;
    const struct observation **unexplained;
    const double **pending; /* configurations; borrowed */
    size_t best;            /* index in done of the best feasible one, the earliest of equals;
                             * n_done: none, or there are several objectives */
    size_t n_slots;
    struct known_config *slots; /* hash table of the configurations of all trials */
};

/* ERR_NOMEM. */
MUST_USE int evaluations_init(struct evaluations *evaluations, const struct study_def *study,
                              const struct history *seen, struct err *err);
void evaluations_finish(struct evaluations *evaluations);
OWN_VALUE(evaluations)

/* Whether a trial has this configuration. */
bool evaluations_contain(const struct evaluations *evaluations, struct space_key key);

/* Whether a schedule may stop the study's trials before the full resource, so that the first
 * evaluation of a configuration costs little. */
bool study_stops_trials_early(const struct study_def *study);
/* The objective's value of a cost: of the first objective, and of another one. */
double objective_from_cost(const struct study_def *study, double cost);
double value_from_cost(const struct study_def *study, size_t objective, double cost);

#endif

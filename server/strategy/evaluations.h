/* A history as a model reads it: finished trials with costs, failed ones, and what is on the way.
 *
 * Sorted by trial number, so that the order in which results arrived changes no digit. A cost is
 * the value where smaller is better. A pruned trial never reached the end; it counts as at least as
 * bad as the median of those that did, so that a value of a lower resource is no incumbent. */
#ifndef SERVER_STRATEGY_EVALUATIONS_H
#define SERVER_STRATEGY_EVALUATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"
#include "common/space.h"
#include "server/domain/history.h"
#include "server/domain/study.h"

struct tried {
    bool is_taken;
    struct space_key key;
};

struct trials {
    size_t n_done, n_failed, n_pending;
    size_t n_finished;   /* of all kinds, informative or not: what fits are counted by */
    const double **done; /* configurations, borrowed from the history */
    double *cost;        /* of the done ones; finite */
    double *measured;    /* the same before pruned ones were lifted */
    int64_t *step;       /* that it was measured at */
    bool *complete;      /* of the done ones: not pruned */
    const struct observation **done_seen, **pending_seen; /* the same trials, whole */
    const double **failed;                                /* and infeasible */
    const double **pending;
    size_t best; /* index of the best complete one, the earlier of equals; n_done: none */
    size_t n_slots;
    struct tried *slots; /* of every configuration ever tried or on the way: a hash table */
};

MUST_USE int trials_init(struct trials *trials, const struct study_def *study,
                         const struct history *seen, struct err *err);
void trials_finish(struct trials *trials);
OWN_VALUE(trials)

bool trials_have(const struct trials *trials, struct space_key key);
/* Whether the study's trials may be ended before the full resource, by a schedule: then a first
 * look at a configuration costs little. */
bool trials_may_stop(const struct study_def *study);
/* From a reported value to a cost, and back. */
double trials_value(const struct study_def *study, double cost);

#endif

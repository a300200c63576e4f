/* Values of one metric that may be compared with each other, though the trials trained for
 * different lengths.
 *
 * Trials are compared at one level of resource: the highest one that COMPARABLE_ENOUGH of them, or
 * half of them where there are fewer, have reached. What a trial had at that level is its value if
 * it ended there, else the last measurement at or before it (with fold "best": the best one).
 *
 * comparable_add() for each trial, comparable_choose_level(), then comparable_value() for each
 * point; where that has no answer, the metric's measurements go through comparable_fold() in order
 * of their steps. Plain memory; not shared between threads. */
#ifndef SERVER_ANALYSIS_COMPARABLE_H
#define SERVER_ANALYSIS_COMPARABLE_H

#include "server/domain/study.h"
#include "server/store/store.h"

enum { COMPARABLE_ENOUGH = 50 };

struct comparable_metric {
    char name[METRIC_NAME_BYTES + 1];
    enum direction direction;
    enum fold fold;
    int objective; /* -1: the metric is no objective of the study */
};

struct comparable_point {
    int64_t number;   /* of the trial */
    double *config;   /* owned */
    bool is_closed;   /* completed: its value stands at every later level */
    int64_t step;     /* the last one; 0: none */
    double value;     /* at that step; NaN: look among the measurements */
    double violation; /* study_violation() of the trial; 0 in a study without outcome constraints */
};

struct comparable {
    const struct study_def *def;            /* borrowed */
    const struct comparable_metric *metric; /* borrowed */
    int64_t level;                          /* 0: the study has no resource, or no trials */
    size_t n, cap;
    struct comparable_point *points;
};

void comparable_finish(struct comparable *comparable);
OWN_VALUE(comparable)

/* The metric of this name. Of an objective all members are set; of another metric direction and
 * fold are the defaults (minimize, last). NULL: the first objective. */
void comparable_metric_init(struct comparable_metric *metric, const struct study_def *def,
                            const char *name);
/* A value in the metric's units as a cost, of which less is better, and back. */
double comparable_cost(const struct comparable_metric *metric, double value);

/* The cost by which trials are ranked: of an objective, what violates the outcome constraints comes
 * behind all that is feasible, the more violated the farther; a cost from COMPARABLE_VIOLATES on
 * says no more than that. */
#define COMPARABLE_VIOLATES 1e307
double comparable_rank_cost(const struct comparable_metric *metric,
                            const struct comparable_point *point, double value);

/* Adds a completed, pruned or paused trial; takes row->config. Without a resource only completed
 * trials count. For store_each_trial(): `comparable` is a struct comparable. ERR_NOMEM. */
MUST_USE int comparable_add(void *comparable, struct trial_row *row, struct err *err);
/* Sets the level. O(n log n). ERR_NOMEM. */
MUST_USE int comparable_choose_level(struct comparable *comparable, struct err *err);
/* *value of the point at the level, NaN if it has none there. True: only measurements can tell. */
bool comparable_value(const struct comparable *comparable, const struct comparable_point *point,
                      double *value);
/* One measurement; *value is NaN before the first. Those beyond the level change nothing. */
void comparable_fold(const struct comparable *comparable, int64_t step, double measured,
                     double *value);

#endif

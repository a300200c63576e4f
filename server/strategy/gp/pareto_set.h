/* The front of the results of a study with several objectives, and the reference point from which
 * its hypervolume is measured, on the scale of the models.
 *
 * Of an objective that is measured with noise the posterior means are compared: the best observed
 * values are biased. The reference of an objective is its goal where the study names one
 * (objective.goal) and a result reaches it, until then the best value so far; else it is behind the
 * worst of the front by a tenth of the front's range, and at least the upper quartile of the first
 * results, as many as the initial design has. These were not chosen by their values: a front that
 * has shrunk to a few points that happen to be close does not keep the search from its other parts.
 */
#ifndef SERVER_STRATEGY_GP_PARETO_SET_H
#define SERVER_STRATEGY_GP_PARETO_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "server/model/nondominated_boxes.h"
#include "server/strategy/gp/metric_model.h"

enum { MODELLED_OBJECTIVES_MAX = BOX_COSTS_MAX };

struct pareto_set {
    size_t m;       /* objectives; 0: there is no front to keep */
    size_t n;       /* points */
    size_t *result; /* n: which results of the models they are */
    double *cost;   /* m × n, transformed */
    double reference[MODELLED_OBJECTIVES_MAX];
};

/* Of the models of m objectives and what they were fitted to, whose results are the same trials;
 * the first n_done rows of each are those with values, and of these `feasible` (or NULL: all)
 * count. ERR_NOMEM. */
MUST_USE int pareto_set_init(struct pareto_set *set, const struct study_def *study, size_t m,
                             const struct metric_model models[], const struct metric_data data[],
                             size_t n_done, const bool feasible[], struct err *err);
void pareto_set_finish(struct pareto_set *set);

#endif

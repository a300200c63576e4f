/* The good trials of tpe where a study has several objectives, or bounds on metrics.
 *
 * They are the first ones in the order of objective_costs.h: by fronts, and with bounds the
 * feasible ones first (Watanabe and Hutter, c-TPE, 2023, in its simplest form). Of the front that
 * would give too many, those whose hypervolume contribution within the front is greatest are taken,
 * and each good trial has its contribution among the good ones as its weight (Ozaki, Tanigaki,
 * Watanabe and Onishi, MOTPE, 2020). The reference point is, in each objective, a tenth of the
 * range beyond the worst of the fronts that the good ones are taken from. Pure. */
#ifndef SERVER_STRATEGY_TPE_GOOD_TRIALS_H
#define SERVER_STRATEGY_TPE_GOOD_TRIALS_H

#include <stddef.h>

#include "common/err.h"
#include "server/strategy/study_data.h"

/* Whether the study's trials are ordered by more than one cost. */
bool good_trials_are_several(const struct study_def *study);

/* order[0 … n_done-1] ← the indices of evaluations->done: n_good good ones, best first, then all
 * others. weights[0 … n_good-1] ← their weights, at least 1e-12; mean 1. n_good ≤ n_done.
 * O(n_done · n_good) time. ERR_NOMEM. */
MUST_USE int good_trials_choose(const struct study_data *data, size_t n_good, size_t order[],
                                double weights[], struct err *err);

#endif

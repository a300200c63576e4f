/* Where the time of a study's workers went, in seconds of one slot each.
 *
 *   running  attempts that run
 *   kept     attempts that completed, were pruned, paused or found infeasible, and those that were
 *            preempted or handed back with a checkpoint: their result or their progress counts
 *   wasted   lost, failed, superseded and cancelled attempts, and those that were preempted or
 *            handed back without a checkpoint
 *   saved    over pruned trials: max(0, R - r) * s, where R is the study's highest resource, r the
 *            step at which the trial ended, and s the seconds that its kept attempts took for each
 *            unit of resource: what stopping it early has not cost
 *
 * Add the attempts in order of trial and number, then finish the sums. O(1) memory. */
#ifndef SERVER_ANALYSIS_LEDGER_H
#define SERVER_ANALYSIS_LEDGER_H

#include "server/domain/study.h"
#include "server/store/spans.h"

#define LEDGER_FORMULA                                                                             \
    "kept: attempts that completed, were pruned, paused or infeasible, or were preempted or "      \
    "released with a checkpoint; wasted: lost, failed, superseded, cancelled, or preempted or "    \
    "released without one; saved: over pruned trials, max(0, max resource - step) * seconds of "   \
    "its kept attempts for each unit of resource"

struct ledger {
    const struct study_def *def; /* borrowed */
    int64_t now_ms;
    int64_t best_at_ms; /* when the best trial ended; 0: there is none */
    double kept, wasted, saved, running;
    double by_end[ATTEMPT_END_COUNT];
    double until_best; /* of all time, what had passed when the best trial ended */
    /* the trial of the last attempt */
    int64_t trial; /* id; 0: none */
    bool is_pruned;
    double trial_seconds; /* of kept attempts */
    int64_t trial_steps;  /* trained by them */
    int64_t trial_step;   /* the highest */
};

void ledger_init(struct ledger *ledger, const struct study_def *def, int64_t now_ms,
                 int64_t best_at_ms);
/* For store_each_span(): `ledger` is a struct ledger. */
MUST_USE int ledger_add(void *ledger, const struct span_row *row, struct err *err);
/* After the last attempt. */
void ledger_finish(struct ledger *ledger);
/* The share of all time after which the best trial had ended; NaN: there is none. */
double ledger_best_after_share(const struct ledger *ledger);

#endif

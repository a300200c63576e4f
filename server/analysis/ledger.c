#include "server/analysis/ledger.h"

#include <math.h>

#include "common/step.h"

void ledger_init(struct ledger *ledger, const struct study_def *def, int64_t now_ms,
                 int64_t best_at_ms)
{
    *ledger = (struct ledger){.def = def, .now_ms = now_ms, .best_at_ms = best_at_ms};
}

/* Is the time of such an attempt kept? */
static bool is_kept(const struct span_row *row)
{
    switch (row->end) {
    case ATTEMPT_COMPLETED:
    case ATTEMPT_PRUNED:
    case ATTEMPT_PAUSED:
    case ATTEMPT_INFEASIBLE:
        return true;
    case ATTEMPT_PREEMPTED:
    case ATTEMPT_RELEASED:
        return row->has_checkpoint;
    case ATTEMPT_LIVE:
    case ATTEMPT_LOST:
    case ATTEMPT_SUPERSEDED:
    case ATTEMPT_CANCELLED:
    case ATTEMPT_FAILED:
    case ATTEMPT_END_COUNT:
    default:
        return false;
    }
}

/* Between two moments; the wall clock may have been set back. */
static double seconds_between(int64_t from_ms, int64_t to_ms)
{
    return to_ms > from_ms ? (double)(to_ms - from_ms) / 1000 : 0;
}

/* What the pruned trial that has been added would have taken to its end. */
static void settle_trial(struct ledger *ledger)
{
    int64_t left = ledger->def->resource_max - ledger->trial_step;

    if (ledger->def->has_resource && ledger->is_pruned && left > 0 && ledger->trial_steps > 0) {
        ledger->saved += (double)left * ledger->trial_seconds / (double)ledger->trial_steps;
    }
    ledger->trial_seconds = 0;
    ledger->trial_steps = 0;
    ledger->trial_step = 0;
}

static void add_kept(struct ledger *ledger, const struct span_row *row, double seconds)
{
    ledger->kept += seconds;
    if (row->step > row->from) {
        ledger->trial_seconds += seconds;
        ledger->trial_steps += row->step - row->from;
    }
    ledger->trial_step = row->step > ledger->trial_step ? row->step : ledger->trial_step;
}

int ledger_add(void *context, const struct span_row *row, struct err *err)
{
    struct ledger *ledger = context;
    int64_t end_ms = row->ended_at_ms == 0 ? ledger->now_ms : row->ended_at_ms;
    int64_t best_ms = ledger->best_at_ms < end_ms ? ledger->best_at_ms : end_ms;
    double seconds = seconds_between(row->started_at_ms, end_ms);

    (void)err;
    if (row->trial != ledger->trial) {
        settle_trial(ledger);
        ledger->trial = row->trial;
        ledger->is_pruned = row->trial_state == TRIAL_PRUNED;
    }
    ledger->by_end[row->end] += seconds;
    ledger->until_best += seconds_between(row->started_at_ms, best_ms);
    if (row->end == ATTEMPT_LIVE) {
        ledger->running += seconds;
    } else if (is_kept(row)) {
        add_kept(ledger, row, seconds);
    } else {
        ledger->wasted += seconds;
    }
    return 0;
}

void ledger_finish(struct ledger *ledger)
{
    settle_trial(ledger);
    ledger->trial = 0;
}

double ledger_best_after_share(const struct ledger *ledger)
{
    double all = ledger->kept + ledger->wasted + ledger->running;

    return ledger->best_at_ms > 0 && all > 0 ? ledger->until_best / all : (double)NAN;
}

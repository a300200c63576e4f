#include "server/state/tally.h"

#include <math.h>

#include "server/state/durations.h"
#include "server/state/state.h"

const char *compute_fate_name(enum compute_fate fate)
{
    static const char *const names[COMPUTE_FATE_COUNT] = {
        [COMPUTE_KEPT] = "kept", [COMPUTE_WASTED] = "wasted", [COMPUTE_SAVED] = "saved"};

    return names[fate];
}

static enum compute_fate fate_of(const struct attempt_row *row)
{
    switch (row->end) {
    case ATTEMPT_COMPLETED:
    case ATTEMPT_PRUNED:
    case ATTEMPT_PAUSED:
    case ATTEMPT_INFEASIBLE:
        return COMPUTE_KEPT;
    case ATTEMPT_PREEMPTED:
    case ATTEMPT_RELEASED:
        return row->checkpoint != NULL ? COMPUTE_KEPT : COMPUTE_WASTED;
    case ATTEMPT_LIVE:
    case ATTEMPT_LOST:
    case ATTEMPT_SUPERSEDED:
    case ATTEMPT_CANCELLED:
    case ATTEMPT_FAILED:
    case ATTEMPT_END_COUNT:
    default:
        return COMPUTE_WASTED;
    }
}

void tally_attempt(struct live_lease *lease)
{
    int64_t from_ms =
        lease->tallied_ms > lease->row.leased_at_ms ? lease->tallied_ms : lease->row.leased_at_ms;
    int64_t spent_ms = lease->row.ended_at_ms - from_ms;

    if (spent_ms > 0) { /* the wall clock may have been set back */
        lease->study->tally.compute_ms[fate_of(&lease->row)] += spent_ms;
        lease->tallied_ms = lease->row.ended_at_ms;
    }
}

void tally_end(const struct live_trial *trial)
{
    struct live_study *study = trial->study;
    const struct trial_row *row = &trial->row;

    study->tally.finished[row->state]++;
    if (row->state == TRIAL_PRUNED && study->def->has_resource && row->has_step) {
        double seconds = durations_expected(study, row->step, study->def->resource_max);
        study->tally.compute_ms[COMPUTE_SAVED] += isfinite(seconds) ? (int64_t)(seconds * 1000) : 0;
    }
}

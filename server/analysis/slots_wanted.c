#include "server/analysis/slots_wanted.h"

enum { PROMOTED_ONE_IN = 3 }; /* the eta of most schedules */

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Configurations that are still to be handed out for the first time; enqueued ones are among the
 * queued trials too. */
static int64_t new_configurations(const struct study_def *def, const struct study_row *row)
{
    if (row->exhausted) {
        return 0;
    }
    return def->limits.trials < 0 ? SLOTS_UNLIMITED
                                  : larger(def->limits.trials - row->leased_trials, 0);
}

static int64_t to_hand_out(const struct study_def *def, const struct study_row *row)
{
    int64_t fresh = new_configurations(def, row);
    int64_t queued = row->counts[TRIAL_QUEUED];
    int64_t paused = row->counts[TRIAL_PAUSED];

    if (fresh == SLOTS_UNLIMITED || fresh > 0 || queued > 0) {
        return fresh == SLOTS_UNLIMITED ? fresh : larger(fresh, queued);
    }
    return paused > 0 && row->counts[TRIAL_RUNNING] == 0 ? larger(paused / PROMOTED_ONE_IN, 1) : 0;
}

int64_t slots_wanted(const struct study_def *def, const struct study_row *row)
{
    int64_t running = row->counts[TRIAL_RUNNING];
    int64_t parallel = def->limits.parallel;

    if (row->state != STUDY_RUNNING || row->target_reached) {
        return running;
    }
    int64_t more = to_hand_out(def, row);
    if (more == SLOTS_UNLIMITED) {
        return parallel < 0 ? SLOTS_UNLIMITED : parallel;
    }
    return parallel >= 0 && running + more > parallel ? larger(parallel, running) : running + more;
}

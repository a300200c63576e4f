#include "server/tuning/fits.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "server/state/durations.h"

/* Now, as it may have waited. */
static double seconds_left(const struct tuning *tuning, const struct ask *ask)
{
    double waited = (double)(tuning->state.now_ms - ask->asked_ms) / 1000;
    double left = ask->command->in.ask.seconds_left - waited;

    return left > 0 ? left : 0;
}

bool ask_fits(const struct tuning *tuning, struct ask *ask, const struct live_study *study,
              int64_t from, int64_t to)
{
    bool is_limited = ask->command->in.ask.has_seconds_left;
    double seconds = is_limited ? durations_expected(study, from, to) : (double)NAN;

    if (isnan(seconds) || seconds <= seconds_left(tuning, ask)) {
        return true;
    }
    ask->n_too_long++;
    ask->too_long = study->row.id;
    ask->too_long_seconds = seconds;
    return false;
}

bool ask_is_out_of_time(const struct ask *ask)
{
    return ask->n_too_long > 0 && ask->n_too_long == ask->n_tried;
}

void ask_explain_time(const struct tuning *tuning, const struct ask *ask, struct no_lease *no)
{
    const struct live_study *study = map_get(&tuning->state.study_by_id, (uint64_t)ask->too_long);

    if (no->reason != NO_LEASE_WAITING || !ask_is_out_of_time(ask) || study == NULL) {
        return;
    }
    no->reason = NO_LEASE_TOO_LONG;
    (void)snprintf(no->detail, sizeof no->detail,
                   "study \"%s\": the next trial is expected to take %.0f s, by the last %zu that "
                   "completed, and this worker has %.0f s left",
                   study->row.name, ceil(ask->too_long_seconds), study->durations.n,
                   seconds_left(tuning, ask));
}

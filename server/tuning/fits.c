#include "server/tuning/fits.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "server/state/durations.h"

bool ask_fits(struct ask *ask, const struct live_study *study, int64_t from, int64_t to)
{
    const struct lease_ask *asked = &ask->command->in.ask;
    double seconds = asked->has_seconds_left ? durations_expected(study, from, to) : (double)NAN;

    if (isnan(seconds) || seconds <= asked->seconds_left) {
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
                   ask->command->in.ask.seconds_left);
}

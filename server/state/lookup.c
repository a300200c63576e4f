#include "server/state/lookup.h"

#include <inttypes.h>

#include "common/planted.h"
#include "server/domain/lease.h"
#include "server/state/trials.h"

/* The attempt is over or overtaken: says which. */
static int refuse_ended(struct state *state, const struct attempt_row *row, struct err *err)
{
    OWN(trial_row) struct trial_row trial = {0};
    struct live_trial *live = trial_live(state, row->trial);
    int64_t newest = row->number;

    if (live != NULL) {
        newest = live->row.attempt;
    } else {
        TRY(store_trial_load(state->store, row->trial, &trial, err));
        newest = trial.attempt;
    }
    if (newest > row->number) {
        return err_set(err, ERR_LEASE_SUPERSEDED,
                       "attempt %" PRId64 " of trial %" PRId64 " has taken over; stop this job, "
                       "nothing more is needed from it",
                       newest, trial_id_number(row->trial));
    }
    return err_set(err, ERR_LEASE_ENDED,
                   "this lease is over: its attempt ended \"%s\"; ask for a new one",
                   attempt_end_name(row->end == ATTEMPT_LIVE ? ATTEMPT_LOST : row->end));
}

int lease_lookup(struct state *state, const char *text, struct live_lease **lease,
                 struct attempt_row *ended, struct err *err)
{
    struct lease_name name;

    TRY(lease_name_parse(text, &name, err));
    TRY(store_check_epoch(state->store, name.attempt_id, err));
    struct live_lease *found = map_get(&state->lease_by_attempt, (uint64_t)name.attempt_id);
    if (found != NULL) {
        if (!lease_secret_equal(found->row.secret, name.secret)) {
            return store_unknown_lease(state->store, err);
        }
        *lease = found;
        return 0;
    }
    OWN(attempt_row) struct attempt_row row = {0};
    TRY(store_attempt_load(state->store, name.attempt_id, &row, err));
    if (!lease_secret_equal(row.secret, name.secret)) {
        return store_unknown_lease(state->store, err);
    }
    if (PLANTED(OLD_LEASE_COUNTS) && trial_live(state, row.trial) != NULL
        && (*lease = trial_live(state, row.trial)->lease) != NULL) {
        return 0;
    }
    (void)refuse_ended(state, &row, err);
    if (ended != NULL && (err->code == ERR_LEASE_ENDED || err->code == ERR_LEASE_SUPERSEDED)) {
        *ended = row;
        row = (struct attempt_row){0};
    }
    return -1;
}

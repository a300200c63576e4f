/* How a lease ends without a result: it runs out, is handed back, could not be delivered, or its
 * trial is cancelled. */
#include <inttypes.h>
#include <stdio.h>

#include "common/planted.h"
#include "server/state/checkpoints.h"
#include "server/state/leases.h"
#include "server/state/lookup.h"
#include "server/state/studies.h"
#include "server/state/transition.h"
#include "server/state/trials.h"
#include "server/tuning/outcome.h"
#include "server/tuning/release.h"

/* ---- the clock ---- */

/* The lease stays known: until a newer attempt exists its holder may come back. */
static int expire(struct tuning *tuning, struct live_lease *lease, struct err *err)
{
    struct live_trial *trial = lease->trial;
    struct live_study *study = trial->study;

    heap_remove(&tuning->state.lease_deadlines, &lease->deadline);
    tuning->state.n_expired++;
    if (PLANTED(LOST_FOR_GOOD)) {
        return 0;
    }
    TRY(obsolete_settle(&tuning->state, lease, lease->last_step >= 0,
                        err)); /* silent: not received? */
    if (study->row.state == STUDY_STOPPED) {
        TRY(attempt_over(&tuning->state, lease, ATTEMPT_LOST, NULL, err));
        return trial_end(&tuning->state, trial, TRIAL_CANCELLED, NULL, NULL, err);
    }
    enum schedule_verdict verdict = trial_verdict(trial);
    TRY(outcome_keep_measured(tuning, lease, err));
    if (verdict != VERDICT_RUN && verdict != VERDICT_PAUSE) {
        TRY(attempt_over(&tuning->state, lease, ATTEMPT_LOST, NULL, err));
        return trial_follow(&tuning->state, trial, NULL, err); /* decided before it was lost */
    }
    trial->row.losses += verdict == VERDICT_RUN;
    if (verdict == VERDICT_RUN && trial->row.losses >= study->def->limits.attempts) {
        TRY(attempt_over(&tuning->state, lease, ATTEMPT_LOST, NULL, err));
        return trial_end(&tuning->state, trial, TRIAL_FAILED, "lost", NULL, err);
    }
    lease->expired = true;
    lease_count(&tuning->state, lease, -1);
    lease->row.end = ATTEMPT_LOST;
    lease->row.ended_at_ms = tuning->state.wall_ms;
    tally_attempt(lease);
    TRY(store_attempt_update(tuning->state.store, &lease->row, err));
    study_touch(study);
    return trial_follow(&tuning->state, trial, NULL, err);
}

int leases_expire(struct tuning *tuning, struct err *err)
{
    struct heap_node *top;

    while ((top = heap_top(&tuning->state.lease_deadlines)) != NULL
           && top->at_ms <= tuning->state.now_ms) {
        struct live_lease *lease = top->owner;
        if (lease->aborted) {
            lease_leave(&tuning->state, lease);
        } else {
            TRY(expire(tuning, lease, err));
        }
    }
    return 0;
}

/* ---- handed back ---- */

static int hand_back(struct tuning *tuning, struct live_lease *lease, struct err *err)
{
    struct live_trial *trial = lease->trial;
    struct live_study *study = trial->study;
    bool was_expired = lease->expired;

    trial->row.losses += PLANTED(RELEASE_CHARGED);

    if (was_expired) {
        TRY(lease_revive(&tuning->state, lease, err));
    }
    TRY(outcome_keep_measured(tuning, lease, err));
    TRY(attempt_over(&tuning->state, lease, ATTEMPT_RELEASED, NULL, err));
    if (study->row.state == STUDY_STOPPED) {
        return trial_end(&tuning->state, trial, TRIAL_CANCELLED, NULL, NULL, err);
    }
    return trial_follow(&tuning->state, trial, NULL, err);
}

static struct live_lease *find_old(struct tuning *tuning)
{
    int64_t last = store_last_attempt(tuning->state.store);
    size_t at = 0;
    struct live_lease *lease;

    while ((lease = map_next(&tuning->state.lease_by_attempt, &at)) != NULL) {
        if (lease->row.id <= last && !lease->expired && !lease->aborted) {
            return lease;
        }
    }
    return NULL;
}

int leases_end_old(struct tuning *tuning, struct err *err)
{
    struct live_lease *lease;

    while (tuning->state.has_old_leases) {
        lease = find_old(tuning);
        if (lease == NULL) {
            tuning->state.has_old_leases = false;
        } else {
            TRY(hand_back(tuning, lease, err));
        }
    }
    return 0;
}

int tuning_release(struct tuning *tuning, struct release_command *command, struct err *err)
{
    struct live_lease *lease;
    OWN(attempt_row) struct attempt_row ended = {0};

    if (lease_lookup(&tuning->state, command->in.lease, &lease, &ended, err) != 0) {
        /* handed back twice: the first time did it */
        return ended.id != 0 && ended.end == ATTEMPT_RELEASED ? 0 : -1;
    }
    if (lease->aborted) {
        lease_leave(&tuning->state, lease);
        return 0;
    }
    return hand_back(tuning, lease, err);
}

/* The answer that granted the lease never reached its socket. With a request id the client will ask
 * again and be given the same; without one no client ever learns of this lease. */
int tuning_unsent(struct tuning *tuning, struct unsent_command *command, struct err *err)
{
    struct live_lease *lease;
    struct err gone;

    if (lease_lookup(&tuning->state, command->in.lease, &lease, NULL, &gone) != 0 || lease->aborted
        || lease->row.has_request || lease->last_step >= 0) {
        return 0;
    }
    TRY(obsolete_settle(&tuning->state, lease, false, err));
    return hand_back(tuning, lease, err);
}

/* ---- cancelled ---- */

int tuning_trial_cancel(struct tuning *tuning, struct trial_cancel_command *command,
                        struct err *err)
{
    struct live_study *study;

    TRY(study_required(&tuning->state, command->in.study, &study, err));
    int64_t id = trial_id(study->row.id, command->in.trial);
    struct live_trial *trial = trial_live(&tuning->state, id);
    if (trial == NULL) {
        OWN(trial_row) struct trial_row row = {0};
        TRY(store_trial_load(tuning->state.store, id, &row, err));
        if (row.state != TRIAL_CANCELLED) {
            return err_set(err, ERR_WRONG_STATE,
                           "trial %" PRId64 " is %s; only one that is queued, running or paused "
                           "can be cancelled",
                           command->in.trial, trial_state_name(row.state));
        }
        command->out.trial.row = row;
        command->out.trial.def = shared_def_hold(study->shared);
        row = (struct trial_row){0};
        return 0;
    }
    if (trial->lease != NULL && !trial->lease->expired) {
        TRY(attempt_over(&tuning->state, trial->lease, ATTEMPT_CANCELLED, NULL, err));
    }
    return trial_end(&tuning->state, trial, TRIAL_CANCELLED, NULL, &command->out.trial, err);
}

/* From a lease id to the lease: the fence is the newer attempt, not the clock. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "server/tuning/live.h"

/* The attempt is over or overtaken: says which. */
static int refuse_ended(struct tuning *tuning, const struct attempt_row *row, struct err *err)
{
    OWN(trial_row) struct trial_row trial = {0};
    struct live_trial *live = trial_live(tuning, row->trial);
    int64_t newest = row->number;

    if (live != NULL) {
        newest = live->row.attempt;
    } else {
        TRY(store_trial_load(tuning->store, row->trial, &trial, err));
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

int lease_lookup(struct tuning *tuning, const char *text, struct live_lease **lease,
                 struct attempt_row *ended, struct err *err)
{
    struct lease_name name;

    TRY(lease_name_parse(text, &name, err));
    struct live_lease *found = map_get(&tuning->lease_by_attempt, (uint64_t)name.attempt_id);
    if (found != NULL) {
        if (!lease_secret_equal(found->row.secret, name.secret)) {
            return err_set(err, ERR_NOT_FOUND, "there is no such lease");
        }
        *lease = found;
        return 0;
    }
    OWN(attempt_row) struct attempt_row row = {0};
    TRY(store_attempt_load(tuning->store, name.attempt_id, &row, err));
    if (!lease_secret_equal(row.secret, name.secret)) {
        return err_set(err, ERR_NOT_FOUND, "there is no such lease");
    }
    (void)refuse_ended(tuning, &row, err);
    if (ended != NULL && (err->code == ERR_LEASE_ENDED || err->code == ERR_LEASE_SUPERSEDED)) {
        *ended = row;
        row = (struct attempt_row){0};
    }
    return -1;
}

int lease_renew(struct tuning *tuning, struct live_lease *lease, struct err *err)
{
    lease->ttl_ms = lease_ttl_ms(lease->study->def->ttl_ms, tuning->n_live_leases);
    lease->worker->last_seen_ms = tuning->wall_ms;
    return heap_set(&tuning->deadlines, &lease->deadline, tuning->now_ms + lease->ttl_ms, err);
}

void lease_action(struct tuning *tuning, const struct live_lease *lease, struct action_reply *reply)
{
    int64_t left_ms = lease->deadline.at_ms - tuning->now_ms;

    reply->expires_at_ms = tuning->wall_ms + left_ms;
    reply->heartbeat_seconds =
        lease_heartbeat_seconds(lease->ttl_ms > 0 ? lease->ttl_ms : left_ms, tuning->n_live_leases);
    reply->late = lease->row.late;
    if (lease->aborted) {
        reply->action = ACTION_ABORT;
        return;
    }
    const struct live_study *study = lease->study;
    struct schedule_answer answer =
        schedule_answer(study->schedule, trial_id_number(lease->trial->row.id));
    static const enum action actions[VERDICT_COUNT] = {
        [VERDICT_RUN] = ACTION_CONTINUE,      [VERDICT_PAUSE] = ACTION_PAUSE,
        [VERDICT_PRUNE] = ACTION_STOP,        [VERDICT_FAIL] = ACTION_STOP,
        [VERDICT_COMPLETE] = ACTION_CONTINUE, /* it is at its end and leaves by itself */
    };
    reply->action = actions[answer.verdict];
    if (study->row.state == STUDY_STOPPED || study->row.target_reached) {
        reply->action = ACTION_STOP;
    }
    reply->has_until = study->def->has_resource;
    reply->until = answer.until;
}

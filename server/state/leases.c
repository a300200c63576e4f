#include "server/state/leases.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "server/domain/lease.h"
#include "server/state/checkpoints.h"
#include "server/state/trials.h"

int lease_enter(struct state *state, struct live_trial *trial, const struct attempt_row *row,
                struct live_worker *worker, struct live_lease **lease, struct err *err)
{
    struct live_lease *entered = calloc(1, sizeof *entered);

    if (entered == NULL
        || map_put(&state->lease_by_attempt, (uint64_t)row->id, entered, err) != 0) {
        free(entered);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    entered->row = *row;
    entered->row.detail = NULL;
    entered->row.checkpoint = NULL;
    entered->row.usage = NULL;
    entered->trial = trial;
    entered->study = trial->study;
    entered->worker = worker;
    entered->last_step = -1;
    entered->progress = (double)NAN;
    heap_node_init(&entered->deadline, entered);
    trial->lease = entered;
    *lease = entered;
    return 0;
}

void lease_leave(struct state *state, struct live_lease *lease)
{
    (void)map_take(&state->lease_by_attempt, (uint64_t)lease->row.id);
    heap_remove(&state->lease_deadlines, &lease->deadline);
    if (lease->trial != NULL && lease->trial->lease == lease) {
        lease->trial->lease = NULL;
    }
    attempt_row_finish(&lease->row);
    obsolete_list_free(lease->obsolete);
    free(lease->last);
    free(lease);
}

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
    struct live_lease *found = map_get(&state->lease_by_attempt, (uint64_t)name.attempt_id);
    if (found != NULL) {
        if (!lease_secret_equal(found->row.secret, name.secret)) {
            return err_set(err, ERR_NOT_FOUND, "there is no such lease");
        }
        *lease = found;
        return 0;
    }
    OWN(attempt_row) struct attempt_row row = {0};
    TRY(store_attempt_load(state->store, name.attempt_id, &row, err));
    if (!lease_secret_equal(row.secret, name.secret)) {
        return err_set(err, ERR_NOT_FOUND, "there is no such lease");
    }
    (void)refuse_ended(state, &row, err);
    if (ended != NULL && (err->code == ERR_LEASE_ENDED || err->code == ERR_LEASE_SUPERSEDED)) {
        *ended = row;
        row = (struct attempt_row){0};
    }
    return -1;
}

int lease_renew(struct state *state, struct live_lease *lease, struct err *err)
{
    lease->ttl_ms = lease_ttl_ms(lease->study->def->ttl_ms, state->n_live_leases);
    lease->worker->last_seen_ms = state->wall_ms;
    return heap_set(&state->lease_deadlines, &lease->deadline, state->now_ms + lease->ttl_ms, err);
}

void lease_action(struct state *state, const struct live_lease *lease, struct action_reply *reply)
{
    int64_t left_ms = lease->deadline.at_ms - state->now_ms;

    reply->expires_at_ms = state->wall_ms + left_ms;
    reply->heartbeat_seconds =
        lease_heartbeat_seconds(lease->ttl_ms > 0 ? lease->ttl_ms : left_ms, state->n_live_leases);
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

#include "server/state/leases.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "common/planted.h"
#include "server/domain/lease.h"
#include "server/state/checkpoints.h"

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
    worker->held++;
    worker->gpu_utilization = (double)NAN; /* of the trial before */
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
    if (lease->trial != NULL) {
        assert(lease->trial->lease == lease);
        lease->trial->lease = NULL;
    }
    lease->worker->held--;
    attempt_row_finish(&lease->row);
    obsolete_list_free(lease->obsolete);
    free(lease->last);
    free(lease);
}

int64_t lease_asked_ttl_ms(const struct live_lease *lease)
{
    int64_t of_study = lease->study->def->ttl_ms;

    return lease->row.ttl_ms > of_study ? lease->row.ttl_ms : of_study;
}

int lease_renew(struct state *state, struct live_lease *lease, struct err *err)
{
    lease->ttl_ms = lease_ttl_ms(lease_asked_ttl_ms(lease), state->n_live_leases);
    lease->worker->last_seen_ms = state->wall_ms;
    int64_t at_ms = state->now_ms + lease->ttl_ms - (PLANTED(EARLY_EXPIRY) ? lease->ttl_ms / 3 : 0);
    return heap_set(&state->lease_deadlines, &lease->deadline, at_ms, err);
}

void lease_action(struct state *state, const struct live_lease *lease, struct action_reply *reply)
{
    reply->expires_at_ms = state->wall_ms + lease->deadline.at_ms - state->now_ms;
    reply->heartbeat_seconds = lease_heartbeat_seconds(lease->ttl_ms, state->n_live_leases);
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
    reply->digits = study->def->resource_digits;
}

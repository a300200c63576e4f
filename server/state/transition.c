#include "server/state/transition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/state/checkpoints.h"
#include "server/state/events.h"
#include "server/state/facts.h"
#include "server/state/leases.h"
#include "server/state/limits.h"
#include "server/state/requests.h"
#include "server/state/studies.h"
#include "server/state/trials.h"
#include "server/state/tried.h"
#include "server/store/decisions.h"

/* ---- live leases ---- */

void lease_count(struct state *state, const struct live_lease *lease, int n)
{
    lease->worker->leases += n;
    lease->study->live_leases += n;
    state->n_live_leases += n;
}

int attempt_over(struct state *state, struct live_lease *lease, enum attempt_end end,
                 const char *reason, struct err *err)
{
    lease->row.end = end;
    lease->row.ended_at_ms = state->wall_ms;
    (void)snprintf(lease->row.reason, sizeof lease->row.reason, "%s", reason == NULL ? "" : reason);
    tally_attempt(lease);
    TRY(store_attempt_update(state->store, &lease->row, err));
    TRY(obsolete_settle(state, lease, true, err));
    if (!lease->expired) {
        lease_count(state, lease, -1);
    }
    study_touch(lease->study);
    request_end(state, lease);
    state->may_have_work = true;
    if (end == ATTEMPT_CANCELLED) {
        lease->aborted = true; /* it is answered `abort` until its time is over */
        lease->trial->lease = NULL;
        lease->trial = NULL;
        return 0;
    }
    lease_leave(state, lease);
    return 0;
}

/* ---- the best trial ---- */

/* Ties go to the earlier trial, whichever ended first. */
static bool beats_best(const struct live_study *study, const struct trial_row *row,
                       int64_t resource)
{
    const struct study_row *best = &study->row;

    if (best->best_trial == 0 || resource != best->best_resource) {
        return best->best_trial == 0 || resource > best->best_resource;
    }
    if (study_is_better(study->def, trial_row_value(row), best->best_value)) {
        return true;
    }
    return !study_is_better(study->def, best->best_value, trial_row_value(row))
           && trial_id_number(row->id) < best->best_trial;
}

void study_consider_best(struct live_study *study, const struct trial_row *row)
{
    if (!isfinite(trial_row_value(row))) {
        return;
    }
    int64_t resource =
        study_best_level(study->def, row->state, row->step, row->config, trial_row_bounded(row));
    if (resource >= 0 && beats_best(study, row, resource)) {
        study->row.best_trial = trial_id_number(row->id);
        study->row.best_value = trial_row_value(row);
        study->row.best_resource = resource;
        study_touch(study);
    }
}

void study_count_feasible(struct live_study *study, const struct trial_row *row)
{
    if (study->def->n_bounds == 0) {
        return;
    }
    study->row.feasible_trials +=
        row->state == TRIAL_COMPLETED
        && study_feasibility(study->def, trial_row_bounded(row)) == FEASIBLE;
    for (size_t i = 0; i < row->n_bounded; i++) {
        study->row.bounds_seen |= isnan(row->bounded[i]) ? 0 : INT64_C(1) << i;
    }
    study_touch(study);
}

/* ---- trials ---- */

/* Counts trials that fail by themselves one after the other. What was lost with its worker, found
 * infeasible, cancelled or imported says nothing about the program. */
static void count_failed_in_row(struct live_study *study, const struct trial_row *row,
                                enum trial_state before)
{
    bool had_value =
        row->state == TRIAL_COMPLETED || row->state == TRIAL_PRUNED || row->state == TRIAL_PAUSED;

    if (row->source == SOURCE_IMPORTED) {
        return;
    }
    if (row->state == TRIAL_FAILED && strcmp(row->reason, "lost") != 0) {
        study->row.failed_in_row++;
    } else if (had_value && before == TRIAL_RUNNING) { /* what waited was counted when it paused */
        study->row.failed_in_row = 0;
    }
}

/* How the trial stands after this event: it will stand otherwise, and what was suggested meanwhile
 * has seen it so. */
static int keep_standing(struct state *state, const struct live_study *study,
                         const struct trial_row *row, int64_t seq, struct err *err)
{
    struct standing_row standing = {.trial = row->id,
                                    .seq = seq,
                                    .state = row->state,
                                    .has_step = row->has_step,
                                    .step = row->step,
                                    .n_values = row->n_values,
                                    .n_bounded = row->n_bounded};

    memcpy(standing.values, row->values, sizeof standing.values);
    memcpy(standing.bounded, row->bounded, sizeof standing.bounded);
    return study->suggester == NULL ? 0 : store_standing_insert(state->store, &standing, err);
}

int trial_become(struct state *state, struct live_trial *trial, enum trial_state next,
                 const char *reason, struct err *err)
{
    static const enum event_kind events[TRIAL_STATE_COUNT] = {
        [TRIAL_QUEUED] = EVENT_ATTEMPT_ENDED,   [TRIAL_RUNNING] = EVENT_TRIAL_RUNNING,
        [TRIAL_PAUSED] = EVENT_TRIAL_PAUSED,    [TRIAL_COMPLETED] = EVENT_TRIAL_ENDED,
        [TRIAL_PRUNED] = EVENT_TRIAL_ENDED,     [TRIAL_FAILED] = EVENT_TRIAL_ENDED,
        [TRIAL_INFEASIBLE] = EVENT_TRIAL_ENDED, [TRIAL_CANCELLED] = EVENT_TRIAL_ENDED,
    };
    struct live_study *study = trial->study;
    struct trial_row *row = &trial->row;
    enum trial_state before = row->state;
    enum event_kind event = trial_state_is_final(before) ? EVENT_TRIAL_QUEUED : events[next];

    TRY(trial_move(&row->state, next, err));
    study->row.counts[before]--;
    study->row.counts[next]++;
    study_touch(study);
    state->may_have_work = state->may_have_work || next != TRIAL_RUNNING;
    if (trial_state_is_final(next)) {
        (void)snprintf(row->reason, sizeof row->reason, "%s", reason == NULL ? "" : reason);
        row->ended_at_ms = state->wall_ms;
    }
    if (trial_state_is_final(before)) { /* tried again: whatever made it fail was mended */
        study->row.failed_in_row = 0;
    }
    if (next == TRIAL_CANCELLED && row->attempt == 0 && row->source == SOURCE_ENQUEUED) {
        study->row.enqueued_trials--; /* its place may be taken by another one */
    }
    count_failed_in_row(study, row, before);
    study_consider_best(study, row);
    study_count_feasible(study, row);
    if (trial_state_is_final(next)) {
        tally_end(trial);
    }
    TRY(event_append(state, event, study->row.id, trial_id_number(row->id), row->attempt, err));
    row->ended_seq = trial_state_is_final(next) ? state->last_seq : 0;
    TRY(trial->unsaved ? store_trial_insert(state->store, row, err)
                       : store_trial_update(state->store, row, err));
    trial->unsaved = false;
    free(row->basis); /* it is in the store */
    row->basis = NULL;
    return next == TRIAL_PAUSED ? keep_standing(state, study, row, state->last_seq, err) : 0;
}

int trial_end(struct state *state, struct live_trial *trial, enum trial_state end,
              const char *reason, struct trial_reply *reply, struct err *err)
{
    struct live_study *study = trial->study;
    int64_t number = trial_id_number(trial->row.id);

    TRY(trial_become(state, trial, end, reason, err));
    trial_queue_remove(trial);
    if (end == TRIAL_CANCELLED) {
        tried_remove(study, &trial->row);
    }
    TRY(checkpoint_end(state, trial, err));
    TRY(study_observe(state, study, &trial->row, err));
    if (trial->row.source != SOURCE_IMPORTED && end != TRIAL_COMPLETED) {
        OWN(schedule_log) struct schedule_log log = {0};
        struct schedule_moment moment = study_moment(state, study);
        enum schedule_fact how = end == TRIAL_CANCELLED ? FACT_CANCEL
                                 : end == TRIAL_PRUNED  ? FACT_DROP
                                                        : FACT_FAIL;
        TRY(schedule_end(study->schedule, &moment, number, how, &log, err));
        TRY(schedule_done(state, study, &log, err));
    }
    if (reply != NULL) {
        TRY(trial_report(trial, reply, err));
    }
    trial_leave(state, trial);
    return 0;
}

int trial_retry(struct state *state, struct live_study *study, struct trial_row *row,
                struct live_trial **trial, struct err *err)
{
    OWN(schedule_log) struct schedule_log log = {0};
    struct schedule_moment moment = study_moment(state, study);
    int64_t number = trial_id_number(row->id);

    if (strcmp(row->reason, "lost") != 0) {
        TRY(keep_standing(state, study, row, row->ended_seq, err));
    }
    TRY(store_attempts_forget_checkpoints(state->store, row->id, err));
    row->reason[0] = '\0';
    row->losses = 0;
    row->failures = 0;
    row->n_values = 0;
    row->n_bounded = 0;
    row->ended_at_ms = 0;
    tried_remove(study, row); /* which entering adds */
    TRY(trial_enter(state, study, row, trial, err));
    TRY(schedule_retry(study->schedule, &moment, number, &log, err));
    TRY(trial_become(state, *trial, TRIAL_QUEUED, NULL, err));
    trial_queue_put(&study->retries, *trial);
    return schedule_done(state, study, &log, err);
}

enum schedule_verdict trial_verdict(const struct live_trial *trial)
{
    return schedule_answer(trial->study->schedule, trial_id_number(trial->row.id)).verdict;
}

int trial_follow(struct state *state, struct live_trial *trial, struct trial_reply *reply,
                 struct err *err)
{
    struct live_study *study = trial->study;
    int64_t number = trial_id_number(trial->row.id);

    switch (trial_verdict(trial)) {
    case VERDICT_PRUNE:
        return trial_end(state, trial, TRIAL_PRUNED, NULL, reply, err);
    case VERDICT_FAIL:
        return trial_end(state, trial, TRIAL_FAILED, "diverged", reply, err);
    case VERDICT_COMPLETE:
        return trial_end(state, trial, TRIAL_COMPLETED, NULL, reply, err);
    case VERDICT_PAUSE:
        schedule_release(study->schedule, number);
        TRY(trial_become(state, trial, TRIAL_PAUSED, NULL, err));
        TRY(checkpoint_follow_best(state, study, err));
        break;
    case VERDICT_RUN:
    case VERDICT_COUNT:
    default:
        TRY(trial_become(state, trial, TRIAL_QUEUED, NULL, err));
        trial_queue_put(&study->retries, trial);
        schedule_release(study->schedule, number);
    }
    return reply == NULL ? 0 : trial_report(trial, reply, err);
}

/* The attempt lives again: it is late, and the trial runs. */
int lease_revive(struct state *state, struct live_lease *lease, struct err *err)
{
    struct live_trial *trial = lease->trial;

    if (!lease->expired) {
        return 0;
    }
    trial_queue_remove(trial);
    lease->expired = false;
    lease->row.late = true;
    lease->row.end = ATTEMPT_LIVE;
    lease->row.ended_at_ms = 0;
    lease_count(state, lease, 1);
    trial->row.losses -= trial->row.state == TRIAL_QUEUED; /* a paused one counted as no loss */
    schedule_hold(trial->study->schedule, trial_id_number(trial->row.id), lease->row.to);
    TRY(store_attempt_update(state->store, &lease->row, err));
    return trial_become(state, trial, TRIAL_RUNNING, NULL, err);
}

/* ---- what a schedule has decided ---- */

/* A trial without a live lease follows its answer. */
static int follow_answer(struct state *state, struct live_trial *trial, struct err *err)
{
    switch (trial_verdict(trial)) {
    case VERDICT_PRUNE:
    case VERDICT_FAIL:
    case VERDICT_COMPLETE:
        return trial_follow(state, trial, NULL, err);
    case VERDICT_PAUSE:
    case VERDICT_RUN:
    case VERDICT_COUNT:
    default:
        return 0; /* a promoted one is offered by the schedule to the next ask */
    }
}

int schedule_done(struct state *state, struct live_study *study, const struct schedule_log *log,
                  struct err *err)
{
    double bounded[BOUNDS_MAX];

    for (size_t i = 0; i < log->n; i++) {
        struct fact_row row = fact_row_of(study->row.id, state->last_seq, &log->items[i]);
        TRY(store_fact_append(state->store, &row, err));
        if (log->items[i].fact == FACT_VALUE) {
            trial_newest_bounded(trial_live(state, trial_id(study->row.id, log->items[i].trial)),
                                 study->def, bounded);
            study_check_target(study, log->items[i].value, bounded);
        }
        state->may_have_work = true;
        state->forecasts_moved = true;
    }
    for (size_t i = 0; i < log->n; i++) {
        struct live_trial *trial =
            log->items[i].trial == 0
                ? NULL
                : trial_live(state, trial_id(study->row.id, log->items[i].trial));
        if (trial != NULL
            && (trial->row.state == TRIAL_PAUSED || trial->row.state == TRIAL_QUEUED)) {
            TRY(follow_answer(state, trial, err));
        }
    }
    return 0;
}

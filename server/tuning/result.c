/* How an attempt ends with a result. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/integer.h"
#include "common/planted.h"
#include "common/step.h"
#include "server/state/checkpoints.h"
#include "server/state/durations.h"
#include "server/state/leases.h"
#include "server/state/limits.h"
#include "server/state/lookup.h"
#include "server/state/node_health.h"
#include "server/state/studies.h"
#include "server/state/transition.h"
#include "server/state/trials.h"
#include "server/tuning/outcome.h"

/* A lease that is over: the same result again gets the same answer; whatever else came is kept. */
static int late_result(struct tuning *tuning, struct result_command *command,
                       struct attempt_row *ended, const unsigned char hash[DIGEST_KEY_BYTES],
                       struct err *err)
{
    if (ended->has_result
        && (memcmp(ended->result, hash, DIGEST_KEY_BYTES) == 0 || PLANTED(SECOND_RESULT))) {
        struct live_trial *live = trial_live(&tuning->state, ended->trial);
        command->out.late = ended->late != PLANTED(OTHER_ANSWER);
        if (live != NULL) {
            return trial_report(live, &command->out.trial, err);
        }
        struct live_study *study =
            map_get(&tuning->state.study_by_id, (uint64_t)trial_id_study(ended->trial));
        if (study == NULL) {
            return err_set(err, ERR_LEASE_ENDED, "the study of this lease was deleted");
        }
        TRY(store_trial_load(tuning->state.store, ended->trial, &command->out.trial.row, err));
        command->out.trial.def = shared_def_hold(study->shared);
        return 0;
    }
    if (ended->has_result && err->code == ERR_LEASE_ENDED) {
        (void)err_set(err, ERR_RESULT_CONFLICT,
                      "this attempt has given another result already, which stands; this one was "
                      "kept as evidence");
    }
    struct err why = *err;
    TRY(store_evidence_insert(tuning->state.store, ended->id, tuning->state.wall_ms,
                              command->in.text, err));
    command->head.keeps_writes = true;
    *err = why;
    return -1;
}

static int final_step(const struct live_lease *lease, const struct result_report *report,
                      int64_t *step, struct err *err)
{
    if (report->has_step) {
        *step = report->step;
        if (lease->study->def->has_resource && lease->last_step > report->step
            && report->outcome == OUTCOME_COMPLETED) {
            char given[STEP_BYTES];
            char reached[STEP_BYTES];
            return err_at_pointer(err, "/step",
                                  "step %s lies before step %s, which this attempt has measured "
                                  "already",
                                  step_format(report->step, report->digits, given),
                                  step_format(lease->last_step, report->digits, reached));
        }
    } else if (lease->last_step >= 0) {
        *step = lease->last_step;
    } else {
        *step = lease->study->def->has_resource ? lease->row.to : 0;
    }
    return 0;
}

static int check_objectives(const struct live_lease *lease, const struct result_report *report,
                            const struct outcome_values *values, struct err *err)
{
    const struct study_def *def = lease->study->def;
    bool has_other = report->n_metrics > 0; /* a misspelt name, most likely */

    for (size_t i = 0; i < values->n; i++) {
        if (!values->found[i]) {
            return err_at_pointer(err, "/metrics",
                                  "a completed result needs the objective \"%s\", and it was "
                                  "neither measured nor given in `metrics`%s%s%s; send it, or "
                                  "the outcome \"failed\"",
                                  def->objectives[i].metric, has_other ? ", which has \"" : "",
                                  has_other ? report->metrics[0].metric : "",
                                  has_other ? "\"" : "");
        }
    }
    return 0;
}

static bool all_finite(const struct outcome_values *values)
{
    for (size_t i = 0; i < values->n; i++) {
        if (!isfinite(values->values[i])) {
            return false;
        }
    }
    return true;
}

static int keep_checkpoint(struct tuning *tuning, struct live_lease *lease,
                           const struct result_report *report, int64_t step, struct err *err)
{
    struct buf text;
    struct json_writer w;
    struct checkpoint fresh = report->checkpoint;

    if (!fresh.present) {
        return 0;
    }
    if (fresh.step < 0) { /* not said: the result's */
        fresh.step = step;
    }
    TRY(checkpoint_supersede(&tuning->state, lease->trial, &fresh, err));
    buf_init(&text, 8192);
    json_writer_init(&w, &text);
    checkpoint_write(&lease->trial->checkpoint, report->digits, &w);
    lease->row.checkpoint = buf_steal(&text);
    return lease->row.checkpoint == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

static int keep_usage(struct live_lease *lease, const struct result_report *report, struct err *err)
{
    struct buf text;
    struct json_writer w;

    if (!report->has_usage) {
        return 0;
    }
    buf_init(&text, 1024);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    const struct {
        const char *name;
        double value;
    } items[] = {{"wall_seconds", report->wall_seconds},
                 {"gpu_seconds", report->gpu_seconds},
                 {"peak_memory_mib", report->peak_memory_mib},
                 {"energy_joules", report->energy_joules}};
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        if (!isnan(items[i].value)) {
            json_put_number(&w, items[i].name, items[i].value);
        }
    }
    json_object_end(&w);
    lease->row.usage = buf_steal(&text);
    return lease->row.usage == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

/* The trial's row gets what this attempt brought. */
static int keep_progress(struct tuning *tuning, struct live_lease *lease,
                         const struct result_report *report, int64_t step, struct err *err)
{
    struct live_trial *trial = lease->trial;

    TRY(PLANTED(RESULT_FORGOTTEN) ? 0 : outcome_keep_metrics(lease, report, err));
    TRY(outcome_keep_bounded(tuning, lease, report, step, err));
    trial->row.has_step = true;
    trial->row.step = step;
    lease->row.has_step = true;
    lease->row.step = step;
    if (report->detail != NULL) {
        lease->row.detail = strdup(report->detail);
        if (lease->row.detail == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    TRY(keep_checkpoint(tuning, lease, report, step, err));
    return keep_usage(lease, report, err);
}

static void spend_rest(struct live_lease *lease, int64_t step)
{
    int64_t before = lease->last_step > lease->row.from ? lease->last_step : lease->row.from;

    if (lease->study->def->has_resource && step > before) {
        lease->study->row.resource_spent =
            integer_add(lease->study->row.resource_spent, step - before);
        study_touch(lease->study);
    }
}

/* How an attempt ends, and what becomes of its trial. */
struct attempt_ending {
    enum attempt_end attempt;
    bool follows;           /* the trial goes where its schedule has it; else it ends as: */
    enum trial_state trial; /* final */
    const char *reason;     /* or NULL */
};

static struct attempt_ending end_as(enum attempt_end attempt, enum trial_state trial,
                                    const char *reason)
{
    return (struct attempt_ending){.attempt = attempt, .trial = trial, .reason = reason};
}

static struct attempt_ending follow(enum attempt_end attempt, const char *reason)
{
    return (struct attempt_ending){.attempt = attempt, .follows = true, .reason = reason};
}

/* Whether the values of a result are new to the schedule: the result brought one of them, or
 * measurements of some of several objectives are missing at its step. What is missing is then the
 * newest value of each, which is the trial's. */
static bool has_news(const struct live_lease *lease, const struct result_report *report,
                     int64_t step)
{
    const struct live_study *study = lease->study;
    bool brought = false;

    for (size_t k = 0; k < study->def->n_objectives; k++) {
        brought = brought || outcome_metric(report, study->def->objectives[k].metric) != NULL;
    }
    return step >= lease->last_step
           && (brought
               || !schedule_is_whole(study->schedule, trial_id_number(lease->trial->row.id), step));
}

/* Asks the schedule what becomes of a trial with these values. */
static int ask_schedule(struct tuning *tuning, struct live_lease *lease, bool is_new,
                        const struct outcome_values *values, struct schedule_answer *answer,
                        struct err *err)
{
    struct live_study *study = lease->study;
    struct schedule_moment moment = study_moment(&tuning->state, study);
    int64_t number = trial_id_number(lease->trial->row.id);
    OWN(schedule_log) struct schedule_log log = {0};

    schedule_release(study->schedule,
                     number); /* its job has ended: it cannot be promoted on the spot */
    trial_note_violation(lease->trial);
    if (is_new) {
        for (size_t k = values->n; k-- > 0;) { /* the first objective last: it may decide */
            TRY(schedule_measure(study->schedule, &moment, number, k, values->step,
                                 values->values[k], &log, answer, err));
        }
    }
    TRY(schedule_finish(study->schedule, &moment, number, values->step, &log, answer, err));
    return schedule_done(&tuning->state, study, &log, err);
}

/* The outcome `completed`. `is_new`: as of has_news(). */
static int decide_completed(struct tuning *tuning, struct live_lease *lease, bool is_new,
                            const struct outcome_values *values, struct attempt_ending *ending,
                            struct err *err)
{
    struct live_study *study = lease->study;
    const struct study_def *def = study->def;
    bool is_short = def->has_resource && values->step < def->resource_max;
    struct schedule_answer answer;

    outcome_set_values(&lease->trial->row, values->n, values->values);
    for (size_t i = 0; i < values->n; i++) {
        study_note_value(&tuning->state, study, values->values[i]);
    }
    spend_rest(lease, values->step);
    if (!all_finite(values)) {
        *ending = end_as(ATTEMPT_FAILED, TRIAL_FAILED, "diverged");
        return 0;
    }
    if (is_short && study->row.state == STUDY_STOPPED) {
        *ending = end_as(ATTEMPT_COMPLETED, TRIAL_CANCELLED, NULL);
        return 0;
    }
    if (is_short && study->row.target_reached) { /* its value counts: it may be the one */
        *ending = end_as(ATTEMPT_PRUNED, TRIAL_PRUNED, NULL);
        return 0;
    }
    if (!is_short) {
        study_check_target(study, values->values[0], trial_row_bounded(&lease->trial->row));
    }
    TRY(ask_schedule(tuning, lease, is_new, values, &answer, err));
    switch (answer.verdict) {
    case VERDICT_PAUSE:
    case VERDICT_RUN:
        *ending = follow(ATTEMPT_PAUSED, NULL);
        break;
    case VERDICT_PRUNE:
        *ending = def->has_resource && !is_short /* it was at its end already */
                      ? end_as(ATTEMPT_COMPLETED, TRIAL_COMPLETED, NULL)
                      : end_as(ATTEMPT_PRUNED, TRIAL_PRUNED, NULL);
        break;
    case VERDICT_FAIL:
        *ending = end_as(ATTEMPT_FAILED, TRIAL_FAILED, "diverged");
        break;
    case VERDICT_COMPLETE:
    case VERDICT_COUNT:
    default:
        *ending = end_as(ATTEMPT_COMPLETED, TRIAL_COMPLETED, NULL);
    }
    return 0;
}

/* Does the trial of a failed attempt stay as it was, because its node is the reason? */
static int put_down_to_node(struct tuning *tuning, struct live_lease *lease, bool *excused,
                            struct err *err)
{
    const struct live_study *study = lease->study;

    TRY(node_note_failure(&tuning->state, lease, excused, err));
    *excused = *excused && study->row.state != STUDY_STOPPED && !study->row.target_reached;
    return 0;
}

/* Every other outcome. */
static int decide_other(struct tuning *tuning, struct live_lease *lease,
                        const struct result_report *report, struct attempt_ending *ending,
                        struct err *err)
{
    const char *reason = report->reason[0] == '\0' ? NULL : report->reason;
    struct live_trial *trial = lease->trial;
    const struct live_study *study = lease->study;

    if (report->outcome == OUTCOME_PREEMPTED) {
        if (study->row.state == STUDY_STOPPED || study->row.target_reached) {
            *ending = end_as(ATTEMPT_PREEMPTED, TRIAL_CANCELLED, NULL);
            return 0;
        }
        *ending = follow(ATTEMPT_PREEMPTED, reason);
        return outcome_keep_measured(tuning, lease, err);
    }
    if (report->outcome == OUTCOME_FAILED && trial_verdict(trial) != VERDICT_RUN) {
        /* all that was asked of it was reported: a failure while saving changes no decision */
        *ending = follow(ATTEMPT_FAILED, reason);
        return outcome_keep_measured(tuning, lease, err);
    }
    if (report->outcome == OUTCOME_INFEASIBLE) {
        *ending = end_as(ATTEMPT_INFEASIBLE, TRIAL_INFEASIBLE, reason);
        return 0;
    }
    bool excused;
    TRY(put_down_to_node(tuning, lease, &excused, err));
    if (excused) {
        *ending = follow(ATTEMPT_FAILED, reason);
        return 0;
    }
    trial->row.failures++;
    *ending = trial->row.failures <= study->def->limits.retries && study->row.state != STUDY_STOPPED
                  ? follow(ATTEMPT_FAILED, reason)
                  : end_as(ATTEMPT_FAILED, TRIAL_FAILED, reason);
    return 0;
}

static int register_names(struct tuning *tuning, struct live_study *study,
                          const struct result_report *report, struct err *err)
{
    struct fresh_metrics fresh = {.study = study};

    for (size_t i = 0; i < report->n_metrics; i++) {
        if (fresh_metrics_add(&fresh, report->metrics[i].metric, err) != 0) {
            return err_at(err, "/metrics");
        }
    }
    for (size_t i = 0; i < report->n_metrics; i++) {
        int64_t id;
        TRY(metric_id(&tuning->state, study, report->metrics[i].metric, &id, err));
    }
    return 0;
}

/* How fast the worker is. Steps are counted as they are reported, in the study's own unit. */
static void note_speed(struct tuning *tuning, const struct live_lease *lease)
{
    struct live_worker *worker = lease->worker;
    int digits = lease->study->def->resource_digits;
    int64_t ms = tuning->state.wall_ms - lease->row.leased_at_ms;

    worker->completed_seconds += ms > 0 ? (double)ms / 1000 : 0;
    if (lease->last_step > lease->row.from) {
        worker->steps += (double)(lease->last_step - lease->row.from) / (double)step_whole(digits);
    }
}

/* What the outcome says of the worker. A failure of its node is noted where the trial's end is
 * decided. */
static int note_worker(struct tuning *tuning, const struct live_lease *lease, enum outcome outcome,
                       bool is_finite, struct err *err)
{
    struct live_worker *worker = lease->worker;

    worker->last_report_ms = tuning->state.wall_ms;
    lease->study->tally.last_report_ms = tuning->state.wall_ms;
    worker->completed += outcome == OUTCOME_COMPLETED;
    worker->failed += outcome == OUTCOME_FAILED;
    if (outcome == OUTCOME_COMPLETED) {
        note_speed(tuning, lease);
    }
    return outcome == OUTCOME_COMPLETED && is_finite ? node_note_success(&tuning->state, lease, err)
                                                     : 0;
}

int tuning_result(struct tuning *tuning, struct result_command *command, struct err *err)
{
    struct result_report *report = &command->in.report;
    struct live_lease *lease;
    OWN(attempt_row) struct attempt_row ended = {0};
    struct outcome_values values = {0};
    unsigned char hash[DIGEST_KEY_BYTES];
    int64_t step = 0;

    digest_key(command->in.text, strlen(command->in.text), hash);
    if (lease_lookup(&tuning->state, command->in.lease, &lease, &ended, err) != 0) {
        return ended.id == 0 ? -1 : late_result(tuning, command, &ended, hash, err);
    }
    if (lease->aborted) {
        (void)err_set(err, ERR_LEASE_ENDED,
                      "the trial was cancelled; this result was kept as evidence");
        struct err why = *err;
        TRY(store_evidence_insert(tuning->state.store, lease->row.id, tuning->state.wall_ms,
                                  command->in.text, err));
        command->head.keeps_writes = true;
        *err = why;
        return -1;
    }
    if (result_report_settle(report, lease->study->def->resource_digits, &command->head.faults)
        != 0) {
        return faults_result(&command->head.faults, err);
    }
    TRY(final_step(lease, report, &step, err));
    if (report->outcome == OUTCOME_COMPLETED) {
        TRY(outcome_objectives(tuning, lease, report, step, &values, err));
        TRY(check_objectives(lease, report, &values, err));
    }
    TRY(register_names(tuning, lease->study, report, err));
    command->out.late = lease->expired || lease->row.late;
    TRY(lease_revive(&tuning->state, lease, err));
    lease->row.has_result = true;
    memcpy(lease->row.result, hash, sizeof hash);
    TRY(keep_progress(tuning, lease, report, step, err));
    TRY(note_worker(tuning, lease, report->outcome, all_finite(&values), err));
    bool is_new = has_news(lease, report, step);
    struct live_trial *trial = lease->trial;
    struct attempt_ending ending;
    TRY(report->outcome == OUTCOME_COMPLETED
            ? decide_completed(tuning, lease, is_new, &values, &ending, err)
            : decide_other(tuning, lease, report, &ending, err));
    lease->row.ended_at_ms = tuning->state.wall_ms;
    durations_note(lease->study, &lease->row, ending.attempt);
    TRY(attempt_over(&tuning->state, lease, ending.attempt, ending.reason, err));
    return ending.follows ? trial_follow(&tuning->state, trial, &command->out.trial, err)
                          : trial_end(&tuning->state, trial, ending.trial, ending.reason,
                                      &command->out.trial, err);
}

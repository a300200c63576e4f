/* What a running job reports: measurements and heartbeats; and what it is answered. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/digest.h"
#include "common/integer.h"
#include "common/planted.h"
#include "common/rng.h"
#include "server/state/events.h"
#include "server/state/leases.h"
#include "server/state/limits.h"
#include "server/state/lookup.h"
#include "server/state/node_health.h"
#include "server/state/studies.h"
#include "server/state/transition.h"
#include "server/state/trials.h"
#include "server/tuning/forecasts.h"
#include "server/tuning/history.h"
#include "server/tuning/internal.h"

/* The last value of a metric, kept in memory so that a result needs no reading. */
static int remember(struct live_lease *lease, int64_t metric, int64_t step, double value,
                    struct err *err)
{
    for (size_t i = 0; i < lease->n_last; i++) {
        struct last_value *last = &lease->last[i];
        if (last->metric != metric) {
            continue;
        }
        if (step >= last->step) {
            last->step = step;
            last->value = value;
        }
        return 0;
    }
    TRY(array_reserve(&lease->last, lease->n_last, &lease->cap_last, sizeof *lease->last, err));
    lease->last[lease->n_last++] =
        (struct last_value){.metric = metric, .step = step, .value = value};
    return 0;
}

/* Steps trained count as resource, whether the attempt is lost later or not. */
static void spend(struct live_lease *lease, int64_t step)
{
    struct live_study *study = lease->study;
    int64_t before = lease->last_step > lease->row.from ? lease->last_step : lease->row.from;

    if (study->def->has_resource && step > before) {
        study->row.resource_spent = integer_add(study->row.resource_spent, step - before);
        study_touch(study);
    }
    if (step > lease->last_step) {
        lease->last_step = step;
    }
}

/* One value of a request. */
struct incoming {
    const struct measurement *m;
    int64_t metric;   /* id */
    size_t objective; /* its index */
    bool replaces;    /* it stands in the place of another */
};

static int tell_schedule(struct tuning *tuning, struct live_lease *lease,
                         const struct incoming *incoming, struct err *err)
{
    const struct measurement *m = incoming->m;
    struct live_study *study = lease->study;
    struct schedule_moment moment = study_moment(&tuning->state, study);
    int64_t number = trial_id_number(lease->trial->row.id);
    OWN(schedule_log) struct schedule_log log = {0};
    struct schedule_answer answer;

    trial_note_violation(lease->trial);
    if (incoming->replaces && schedule_wants_curves(study->schedule)) {
        schedule_forget_curve(study->schedule, number);
        TRY(trial_load_curve(tuning, study, number, NULL, NULL, err));
    }
    TRY(incoming->replaces ? schedule_replace(study->schedule, &moment, number, incoming->objective,
                                              m->step, m->value, &log, err)
                           : schedule_measure(study->schedule, &moment, number, incoming->objective,
                                              m->step, m->value, &log, &answer, err));
    return schedule_done(&tuning->state, study, &log, err);
}

/* *known ← whether an earlier attempt has measured the step: to the schedule its value counts. */
static int step_is_known(struct tuning *tuning, const struct live_lease *lease,
                         const struct incoming *incoming, bool *known, struct err *err)
{
    *known = false;
    for (int64_t attempt = 1; !*known && attempt < lease->row.number; attempt++) {
        TRY(store_measurement_exists(tuning->state.store,
                                     &(const struct measurement_row){lease->trial->row.id, attempt,
                                                                     incoming->metric,
                                                                     incoming->m->step, 0},
                                     known, err));
    }
    return 0;
}

/* What follows from a value that was stored. */
static int take_value(struct tuning *tuning, struct live_lease *lease,
                      const struct incoming *incoming, struct err *err)
{
    struct live_study *study = lease->study;
    const struct measurement *m = incoming->m;
    bool known;

    TRY(remember(lease, incoming->metric, m->step, m->value, err));
    spend(lease, m->step);
    if (study_is_objective(study->def, m->metric)) {
        study_note_value(&tuning->state, study, m->value);
    }
    /* A step that an earlier attempt has trained already counts for nothing. */
    if (incoming->objective == study->def->n_objectives
        || (study->def->has_resource && m->step <= lease->row.from)) {
        return 0;
    }
    if (study->suggester != NULL && study->def->has_resource && incoming->objective == 0) {
        TRY(learning_curve_add(&lease->trial->curve, m->step, m->value, err));
    }
    if (incoming->replaces) {
        forecast_forget(lease->trial, m->step);
    }
    TRY(step_is_known(tuning, lease, incoming, &known, err));
    return known ? 0 : tell_schedule(tuning, lease, incoming, err);
}

/* Whether no decision rests on what the trial has measured at this step. */
static bool may_replace(const struct live_lease *lease, const struct measurement *m)
{
    const struct live_study *study = lease->study;

    return !study_is_objective(study->def, m->metric)
           || schedule_may_replace(study->schedule, trial_id_number(lease->trial->row.id), m->step);
}

static int take_measurement(struct tuning *tuning, struct live_lease *lease,
                            const struct measurement *m, struct measure_command *command,
                            struct err *err)
{
    struct store *store = tuning->state.store;
    struct action_reply *reply = &command->out.action;
    int64_t trial = lease->trial->row.id;
    struct incoming incoming = {.m = m};
    enum store_append appended;

    incoming.objective = study_find_objective(lease->study->def, m->metric);
    TRY(metric_id(&tuning->state, lease->study, m->metric, &incoming.metric, err));
    TRY(store_measurement_append(
        store,
        &(const struct measurement_row){trial, PLANTED(WRONG_ATTEMPT) ? 1 : lease->row.number,
                                        incoming.metric, m->step, m->value},
        &appended, err));
    incoming.replaces =
        appended == APPEND_CONFLICT && command->in.measurements.replace && may_replace(lease, m);
    reply->duplicate += appended == APPEND_DUPLICATE;
    reply->conflict += appended == APPEND_CONFLICT && !incoming.replaces;
    reply->replaced += incoming.replaces;
    if (incoming.replaces) {
        TRY(store_measurement_replace(store,
                                      &(const struct measurement_row){trial, lease->row.number,
                                                                      incoming.metric, m->step,
                                                                      m->value},
                                      err));
    }
    return incoming.replaces || appended == APPEND_NEW ? take_value(tuning, lease, &incoming, err)
                                                       : 0;
}

/* Of each step the values of the objectives come last, the first one's behind all others: what is
 * decided by them may depend on the rest. */
static int pass_of(const struct study_def *def, const char *metric)
{
    size_t objective = study_find_objective(def, metric);

    return objective == 0 ? 2 : objective < def->n_objectives;
}

static int take_all(struct tuning *tuning, struct live_lease *lease,
                    struct measure_command *command, struct err *err)
{
    const struct measurement_list *list = &command->in.measurements;
    const struct study_def *def = lease->study->def;
    int64_t metric;
    size_t end;

    for (size_t i = 0; i < list->n; i++) { /* new ones are shown in the order of the request */
        TRY(metric_id(&tuning->state, lease->study, list->items[i].metric, &metric, err));
    }
    for (size_t from = 0; from < list->n; from = end) {
        for (end = from; end < list->n && list->items[end].step == list->items[from].step; end++) {
        }
        for (int pass = 0; pass < 3; pass++) {
            for (size_t i = from; i < end; i++) {
                if (pass_of(def, list->items[i].metric) == pass) {
                    TRY(take_measurement(tuning, lease, &list->items[i], command, err));
                }
            }
        }
    }
    return 0;
}

/* Before anything is written. */
static int check_names(const struct live_study *study, const struct measurement_list *list,
                       struct err *err)
{
    struct fresh_metrics fresh = {.study = study};

    for (size_t i = 0; i < list->n; i++) {
        TRY(fresh_metrics_add(&fresh, list->items[i].metric, err));
    }
    return 0;
}

/* Equal for equal lists. */
static uint64_t digest_of(const struct measurement_list *list)
{
    uint64_t digest = splitmix64(list->n);

    for (size_t i = 0; i < list->n; i++) {
        const struct measurement *m = &list->items[i];
        uint64_t bits;
        memcpy(&bits, &m->value, sizeof bits);
        digest = splitmix64(digest ^ (uint64_t)m->step);
        digest = splitmix64(digest ^ digest_text(m->metric));
        digest = splitmix64(digest ^ bits);
    }
    return digest;
}

/* Is it the request before once more, whose answer was lost? What it replaced is known by now, but
 * what was ignored looks the same again. */
static bool is_repeated(struct live_lease *lease, const struct measurement_list *list)
{
    uint64_t digest = digest_of(list);
    bool is_same = digest == lease->ignored;

    lease->ignored = digest;
    return is_same;
}

/* What a request has replaced, and what it brought in vain, is counted with the trial, once. */
static int note_corrections(struct tuning *tuning, struct live_lease *lease,
                            const struct measurement_list *list, const struct action_reply *reply,
                            struct err *err)
{
    struct trial_row *row = &lease->trial->row;

    if (reply->replaced > 0) {
        TRY(event_append(&tuning->state, EVENT_MEASUREMENT_REPLACED, lease->study->row.id,
                         trial_id_number(row->id), lease->row.number, err));
    }
    int64_t ignored = reply->conflict > 0 && !is_repeated(lease, list) ? reply->conflict : 0;
    if (reply->replaced == 0 && ignored == 0) {
        return 0;
    }
    row->replaced += reply->replaced;
    row->ignored += ignored;
    return store_trial_update(tuning->state.store, row, err);
}

/* For the event streams: whose measurements these are. */
static void name_trial(const struct live_lease *lease, struct measure_command *command)
{
    memcpy(command->out.study, lease->study->row.name, sizeof command->out.study);
    command->out.trial = trial_id_number(lease->trial->row.id);
    command->out.attempt = lease->row.number;
}

static bool has_value(const struct live_study *study, const struct measurement_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        if (study_is_objective(study->def, list->items[i].metric)
            && isfinite(list->items[i].value)) {
            return true;
        }
    }
    return false;
}

int tuning_measure(struct tuning *tuning, struct measure_command *command, struct err *err)
{
    struct live_lease *lease;
    struct measurement_list *list = &command->in.measurements;

    TRY(lease_lookup(&tuning->state, command->in.lease, &lease, NULL, err));
    if (!lease->aborted) {
        if (measurement_list_settle(list, lease->study->def->resource_digits, &command->head.faults)
            != 0) {
            return faults_result(&command->head.faults, err);
        }
        TRY(check_names(lease->study, list, err));
        name_trial(lease, command);
        TRY(lease_revive(&tuning->state, lease, err));
        TRY(lease_renew(&tuning->state, lease, err));
        TRY(take_all(tuning, lease, command, err));
        TRY(note_corrections(tuning, lease, list, &command->out.action, err));
        lease->worker->last_report_ms = tuning->state.wall_ms;
        lease->study->tally.last_report_ms = tuning->state.wall_ms;
        if (has_value(lease->study, list)) {
            TRY(node_note_success(&tuning->state, lease, err));
        }
        TRY(forecast_request(tuning, lease->trial, err));
        if (lease->trial->forecast_level != 0) {
            return report_park(tuning, command, lease->trial, err);
        }
    }
    lease_action(&tuning->state, lease, &command->out.action);
    return 0;
}

int tuning_heartbeat(struct tuning *tuning, struct heartbeat_command *command, struct err *err)
{
    struct live_lease *lease;

    if (PLANTED(OLD_LEASE_BEATS)
        && lease_lookup(&tuning->state, command->in.lease, &lease, NULL, err) != 0) {
        return 0;
    }
    TRY(lease_lookup(&tuning->state, command->in.lease, &lease, NULL, err));
    if (!lease->aborted) {
        TRY(lease_revive(&tuning->state, lease, err));
        TRY(lease_renew(&tuning->state, lease, err));
        if (!isnan(command->in.progress)) {
            lease->progress = command->in.progress;
        }
        if (!isnan(command->in.gpu_utilization)) {
            lease->worker->gpu_utilization = command->in.gpu_utilization;
        }
    }
    lease_action(&tuning->state, lease, &command->out.action);
    return 0;
}

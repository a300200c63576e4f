#include "server/tuning/grant.h"

#include <stdlib.h>
#include <string.h>

#include "common/integer.h"
#include "common/planted.h"
#include "server/domain/lease.h"
#include "server/state/checkpoints.h"
#include "server/state/leases.h"
#include "server/state/limits.h"
#include "server/state/node_health.h"
#include "server/state/requests.h"
#include "server/state/transition.h"
#include "server/state/trials.h"
#include "server/state/workers.h"

static char *config_text(const struct study_def *def, const double x[],
                         void (*write)(const struct space *, const double[], struct json_writer *))
{
    struct buf text;
    struct json_writer w;

    buf_init(&text, 1 << 20);
    json_writer_init(&w, &text);
    write(def->space, x, &w);
    return buf_steal(&text);
}

static int fill(struct tuning *tuning, const struct live_lease *lease, struct lease_grant *grant,
                struct err *err)
{
    struct live_trial *trial = lease->trial;
    const struct live_study *study = trial->study;
    const struct study_def *def = study->def;
    struct lease_name name = {.attempt_id = lease->row.id};

    memcpy(name.secret, lease->row.secret, sizeof name.secret);
    lease_name_format(&name, grant->id);
    grant->expires_at_ms = tuning->state.wall_ms + lease->deadline.at_ms - tuning->state.now_ms;
    grant->ttl_seconds = (double)lease->ttl_ms / 1000;
    grant->heartbeat_seconds = lease_heartbeat_seconds(lease->ttl_ms, tuning->state.n_live_leases);
    memcpy(grant->study, study->row.name, sizeof grant->study);
    grant->objectives = strdup(study->objectives_json);
    grant->trial = trial_id_number(trial->row.id);
    grant->attempt = lease->row.number;
    if (trial->parameters == NULL) { /* printing numbers is dear: once a trial */
        trial->parameters = config_text(def, trial->row.config, space_config_write);
    }
    grant->parameters = trial->parameters == NULL ? NULL : strdup(trial->parameters);
    if (PLANTED(OTHER_PARAMETERS) && lease->row.number > 1 && grant->parameters != NULL) {
        (void)snprintf(grant->parameters, sizeof "{}", "{}");
    }
    grant->inactive = config_text(def, trial->row.config, space_config_write_inactive);
    grant->seed = trial_seed(def->seed, grant->trial);
    grant->has_resource = def->has_resource;
    memcpy(grant->resource_name, def->resource_name, sizeof grant->resource_name);
    grant->digits = def->resource_digits;
    grant->from = lease->row.from;
    grant->to = lease->row.to;
    grant->checkpoint = trial->checkpoint;
    grant->checkpoint.present = trial->checkpoint.present && lease->row.from > 0;
    grant->trial_seconds = def->limits.trial_seconds > 0 ? def->limits.trial_seconds : 0;
    grant->stall_seconds = def->limits.stall_seconds > 0 ? def->limits.stall_seconds : 0;
    grant->requires_gpus = def->requires_gpus;
    grant->requires_gpu_memory_mib = def->requires_gpu_memory_mib;
    grant->job = study->job_json == NULL ? NULL : strdup(study->job_json);
    TRY(obsolete_write(lease, &grant->discard, err));
    if (grant->objectives == NULL || grant->parameters == NULL || grant->inactive == NULL
        || (study->job_json != NULL && grant->job == NULL)) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

int grant_answer(struct tuning *tuning, const struct live_lease *lease, struct ask_command *command,
                 struct err *err)
{
    OWN(lease_grant) struct lease_grant made = {0};

    TRY(fill(tuning, lease, &made, err)); /* without it the ask may go on waiting */
    command->out.grant = made;
    command->out.granted = true;
    made = (struct lease_grant){0};
    return 0;
}

/* Where this worker goes on from: the newest checkpoint's step if it can reach it. */
int64_t grant_resume_step(const struct live_trial *trial, const struct lease_ask *ask,
                          int64_t until)
{
    const struct checkpoint *checkpoint = &trial->checkpoint;

    if (!trial->study->def->has_resource || !checkpoint->present) {
        return 0;
    }
    int64_t step = checkpoint->step < until ? checkpoint->step : until;
    return checkpoint_is_reached_from(checkpoint, ask->host) ? step : 0;
}

/* One transaction's worth: attempt, trial, counters, event, request id. The trial is in memory and
 * in the store already, whether new or not. */
int grant_lease(struct tuning *tuning, struct ask *ask, struct live_trial *trial, bool has_until,
                int64_t until, struct err *err)
{
    struct live_study *study = trial->study;
    struct ask_command *command = ask->command;
    struct live_lease *lease;

    TRY(worker_save(&tuning->state, ask->worker, err));
    TRY(node_granted(&tuning->state, ask->worker->node, err));
    trial_queue_remove(trial);
    if (trial->lease != NULL) { /* expired: overtaken now */
        lease_leave(&tuning->state, trial->lease);
    }
    struct attempt_row row = {
        .trial = trial->row.id,
        .number = trial->row.attempt + 1 + (PLANTED(ATTEMPT_SKIPPED) && trial->row.attempt > 0),
        .worker = ask->worker->id,
        .has_request = ask->has_request,
        .from = grant_resume_step(trial, &command->in.ask, has_until ? until : INT64_MAX),
        .to = has_until ? until : 0,
        .leased_at_ms = tuning->state.wall_ms,
        .ttl_ms = integer_from_real(command->in.ask.ttl_seconds * 1000),
    };
    memcpy(row.request, ask->request, sizeof row.request);
    tuning->settings.entropy(tuning->settings.entropy_context, row.secret, sizeof row.secret);
    TRY(store_attempt_insert(tuning->state.store, &row, err));
    bool first = trial->row.attempt == 0;
    trial->row.attempt = row.number;
    trial->row.attempt_id = row.id;
    memcpy(trial->row.worker, ask->worker->name, sizeof trial->row.worker);
    if (first) {
        trial->row.started_at_ms = tuning->state.wall_ms;
        study->row.leased_trials++;
    }
    TRY(trial_become(&tuning->state, trial, TRIAL_RUNNING, NULL, err));
    TRY(lease_enter(&tuning->state, trial, &row, ask->worker, &lease, err));
    lease_count(&tuning->state, lease, 1);
    if (study->row.started_at_ms == 0) {
        study->row.started_at_ms = tuning->state.wall_ms;
        TRY(study_set_clock(&tuning->state, study, err));
    }
    TRY(lease_renew(&tuning->state, lease, err));
    if (ask->has_request) {
        TRY(request_put(&tuning->state, ask->request, row.id, 0, err));
    }
    TRY(obsolete_list(&tuning->state, lease, command->in.ask.host, err));
    return grant_answer(tuning, lease, command, err);
}

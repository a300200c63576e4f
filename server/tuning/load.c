#include "server/tuning/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/digest.h"
#include "common/planted.h"
#include "server/advice/read_back.h"
#include "server/state/checkpoints.h"
#include "server/state/durations.h"
#include "server/state/facts.h"
#include "server/state/leases.h"
#include "server/state/lifecycle.h"
#include "server/state/limits.h"
#include "server/state/node_health.h"
#include "server/state/requests.h"
#include "server/state/studies.h"
#include "server/state/tokens.h"
#include "server/state/transition.h"
#include "server/state/trials.h"
#include "server/state/tried.h"
#include "server/state/workers.h"
#include "server/store/decisions.h"
#include "server/store/tokens.h"
#include "server/tuning/ask.h"
#include "server/tuning/ask_queue.h"
#include "server/tuning/forecasts.h"
#include "server/tuning/history.h"
#include "server/tuning/internal.h"
#include "server/tuning/recent.h"
#include "server/tuning/retention.h"
#include "server/tuning/tuning.h"

#define DURATIONS_LOOKED_AT 60 /* trials */

static int load_worker(void *context, int64_t id, const char *name, struct err *err)
{
    struct tuning *tuning = context;
    struct live_worker *worker;

    return worker_load(&tuning->state, id, name, &worker, err);
}

static int load_node(void *context, const struct node_row *row, struct err *err)
{
    struct tuning *tuning = context;

    return node_load(&tuning->state, row, err);
}

/* ---- studies ---- */

static int load_metric(void *context, int64_t id, const char *name, struct err *err)
{
    struct live_study *study = context;

    if (id != (int64_t)study->n_metrics || id >= METRICS_MAX) {
        return err_set(err, ERR_IO, "metric \"%s\" has the number of another", name);
    }
    return study_metric_append(study, name, err);
}

static int load_fact(void *context, const struct fact_row *row, struct err *err)
{
    struct live_study *study = context;
    struct schedule_record record = fact_record(row);

    return schedule_load(study->schedule, &record, err);
}

/* ---- the configurations that were tried ---- */

static int add_tried(void *context, struct trial_row *row, struct err *err)
{
    struct live_study *study = context;

    return row->state == TRIAL_CANCELLED ? 0 : tried_add(study, row, err);
}

int study_load_tried(struct tuning *tuning, struct live_study *study, struct err *err)
{
    const unsigned open = 1u << TRIAL_QUEUED | 1u << TRIAL_RUNNING | 1u << TRIAL_PAUSED;
    struct trial_query query = {.study = study->row.id, .limit = -1, .states = ~open & 0xff};

    for (enum trial_source source = SOURCE_SUGGESTED; source < SOURCE_COUNT; source++) {
        query.sources |= tried_is_kept(study, source) ? 1u << source : 0;
    }
    return query.sources == 0 || study->row.exhausted
               ? 0
               : store_each_trial(tuning->state.store, &query, add_tried, study, err);
}

/* ---- imported failures ---- */

static int count_one(void *context, struct trial_row *row, struct err *err)
{
    struct live_study *study = context;

    (void)row;
    (void)err;
    study->imported_failures++;
    return 0;
}

static int count_imported_failures(struct tuning *tuning, struct live_study *study, struct err *err)
{
    const struct trial_query query = {.study = study->row.id,
                                      .limit = -1,
                                      .states = 1u << TRIAL_FAILED,
                                      .sources = 1u << SOURCE_IMPORTED};

    return study->row.counts[TRIAL_FAILED] == 0
               ? 0
               : store_each_trial(tuning->state.store, &query, count_one, study, err);
}

static int load_study(void *context, struct study_row *row, struct err *err)
{
    struct tuning *tuning = context;
    struct study_def *def;
    struct live_study *study;

    TRY(definition_read_back(row->name, row->definition, &def, err));
    struct shared_def *shared = shared_def_create(def);
    if (shared == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    TRY(study_enter(&tuning->state, row, shared, &study, err));
    TRY(store_each_metric(tuning->state.store, row->id, load_metric, study, err));
    schedule_load_begin(study->schedule);
    TRY(store_each_fact(tuning->state.store, row->id, load_fact, study, err));
    TRY(schedule_load_end(study->schedule, err));
    if (schedule_has_facts(study->schedule)) {
        study->stragglers_ms = tuning->state.now_ms; /* a straggler's time may be over already */
    }
    TRY(study_load_history(tuning, study, err));
    TRY(PLANTED(GRID_AGAIN) ? (int)(study->row.last_ordinal = 0)
                            : study_load_tried(tuning, study, err));
    TRY(count_imported_failures(tuning, study, err));
    return study_set_clock(&tuning->state, study, err);
}

/* ---- trials ---- */

/* A stopping rule compares with the curves of trials that are final. */
static int load_final_curves(struct tuning *tuning, struct err *err)
{
    for (struct live_study *study = tuning->state.studies; study != NULL; study = study->next) {
        bool wanted = schedule_wants_curves(study->schedule) && study->row.state != STUDY_FINISHED;
        for (int64_t number = 1; wanted && number <= study->row.last_number; number++) {
            if (trial_live(&tuning->state, trial_id(study->row.id, number)) == NULL) {
                TRY(trial_load_curve(tuning, study, number, NULL, NULL, err));
            }
        }
    }
    return 0;
}

/* The newest checkpoint of a trial's attempts. */
struct checkpoint_search {
    int digits; /* of the study's steps */
    struct checkpoint newest;
};

static int load_checkpoint(void *context, struct attempt_row *row, struct err *err)
{
    struct checkpoint_search *search = context;

    if (row->checkpoint != NULL) {
        json_auto_t *value = NULL;
        TRY(json_parse_own(row->checkpoint, &value, err));
        checkpoint_from_json(value, search->digits, &search->newest);
    }
    return 0;
}

int study_load_best(struct tuning *tuning, struct live_study *study, struct err *err)
{
    OWN(trial_row) struct trial_row row = {0};
    int64_t id = trial_id(study->row.id, study->row.best_trial);

    if (study->row.best_trial == 0 || !study->def->has_resource) {
        return 0;
    }
    TRY(store_trial_load(tuning->state.store, id, &row, err));
    if (!trial_state_is_final(row.state) || row.state == TRIAL_COMPLETED) {
        return 0;
    }
    study->best_holder = study->row.best_trial;
    struct checkpoint_search search = {.digits = study->def->resource_digits};
    TRY(store_each_attempt(tuning->state.store, id, load_checkpoint, &search, err));
    study->best_checkpoint = search.newest;
    return 0;
}

static int note_duration(void *context, struct attempt_row *row, struct err *err)
{
    struct live_study *study = context;

    (void)err;
    if (study->durations.n < DURATIONS_KEPT) {
        durations_note(study, row, row->end);
    }
    return 0;
}

/* Of the newest trials. */
static int load_durations(struct tuning *tuning, struct live_study *study, struct err *err)
{
    int64_t last = study->row.last_number;
    int64_t first = last > DURATIONS_LOOKED_AT ? last - DURATIONS_LOOKED_AT + 1 : 1;

    return study->row.leased_trials == 0 || study->row.state == STUDY_FINISHED
               ? 0
               : store_each_attempt_between(tuning->state.store, trial_id(study->row.id, first),
                                            trial_id(study->row.id, last), note_duration, study,
                                            err);
}

/* The newest attempt: live, or lost and perhaps coming back. */
static int load_lease(struct tuning *tuning, struct live_trial *trial, struct err *err)
{
    OWN(attempt_row) struct attempt_row row = {0};
    struct live_lease *lease;

    TRY(store_attempt_load(tuning->state.store, trial->row.attempt_id, &row, err));
    bool live = trial->row.state == TRIAL_RUNNING;
    if (!live && row.end != ATTEMPT_LOST) {
        return 0;
    }
    struct live_worker *worker;
    TRY(worker_load(&tuning->state, row.worker, row.worker_name, &worker, err));
    TRY(lease_enter(&tuning->state, trial, &row, worker, &lease, err));
    if (row.has_request) {
        TRY(request_put(&tuning->state, row.request, row.id, 0, err));
    }
    if (!live) {
        lease->expired = true;
        return 0;
    }
    lease_count(&tuning->state, lease, 1);
    tuning->state.has_old_leases |= row.id <= store_last_attempt(tuning->state.store);
    int64_t ttl_ms = lease_asked_ttl_ms(lease);
    lease->ttl_ms =
        ttl_ms > tuning->settings.start_grace_ms ? ttl_ms : tuning->settings.start_grace_ms;
    schedule_hold(trial->study->schedule, trial_id_number(trial->row.id), row.to);
    return heap_set(&tuning->state.lease_deadlines, &lease->deadline,
                    tuning->state.now_ms + lease->ttl_ms, err);
}

static int load_trial(void *context, struct trial_row *row, struct err *err)
{
    struct tuning *tuning = context;
    struct live_study *study =
        map_get(&tuning->state.study_by_id, (uint64_t)trial_id_study(row->id));
    struct live_trial *trial;

    if (study == NULL) {
        return 0; /* of a deleted study: waits for the purge */
    }
    if (row->n_params != study->def->space->n_params) {
        return err_set(err, ERR_IO, "a trial of study \"%s\" has another number of parameters",
                       study->row.name);
    }
    TRY(trial_enter(&tuning->state, study, row, &trial, err));
    if (trial->row.state == TRIAL_QUEUED) {
        trial_queue_put(trial->row.attempt == 0 ? &study->enqueued : &study->retries, trial);
    }
    if (trial->row.attempt == 0) {
        return 0;
    }
    if (study->def->has_resource) {
        struct checkpoint_search search = {.digits = study->def->resource_digits};
        TRY(store_each_attempt(tuning->state.store, trial->row.id, load_checkpoint, &search, err));
        TRY(checkpoint_hold(&tuning->state, trial, &search.newest, err));
    }
    TRY(load_lease(tuning, trial, err));
    bool learns = study->suggester != NULL && study->def->has_resource;
    return trial_load_curve(tuning, study, trial_id_number(trial->row.id), trial->lease,
                            learns ? &trial->curve : NULL, err);
}

static int load_request(void *context, struct attempt_row *row, struct err *err)
{
    struct tuning *tuning = context;

    return row->has_request
               ? request_put(&tuning->state, row->request, row->id, tuning->state.now_ms, err)
               : 0;
}

static int load_token(void *context, const struct token_row *row, struct err *err)
{
    struct tuning *tuning = context;

    return token_enter(&tuning->state, row, err);
}

static int load_all(struct tuning *tuning, struct err *err)
{
    int64_t newest_ms;

    TRY(store_last_seq(tuning->state.store, &tuning->state.last_seq, err));
    TRY(store_last_event_ms(tuning->state.store, &newest_ms, err));
    TRY(retention_load(tuning, newest_ms, err));
    TRY(recent_load(tuning, newest_ms, err));
    TRY(store_each_token(tuning->state.store, load_token, tuning, err));
    TRY(store_each_worker(tuning->state.store, WORKERS_KEPT, load_worker, tuning, err));
    TRY(store_each_node(tuning->state.store, load_node, tuning, err));
    TRY(store_each_study(tuning->state.store, load_study, tuning, err));
    TRY(store_each_recent_request(tuning->state.store, tuning->recent.after_seq, load_request,
                                  tuning, err));
    TRY(store_each_open_trial(tuning->state.store, load_trial, tuning, err));
    TRY(load_final_curves(tuning, err));
    TRY(forecasts_request_all(tuning, err));
    tuning->state.forecasts_moved = true;
    for (struct live_study *study = tuning->state.studies; study != NULL; study = study->next) {
        TRY(study_load_best(tuning, study, err));
        TRY(load_durations(tuning, study, err));
    }
    return obsolete_load(&tuning->state, err);
}

int tuning_load(struct tuning *tuning, struct err *err)
{
    tuning_read_clock(tuning);
    state_clear(&tuning->state);
    tuning->state.has_old_leases = false;
    asks_forget_jobs(tuning);
    /* in one transaction: each statement for itself would lock the file and let it go again */
    TRY(store_read_begin(tuning->state.store, err));
    int result = load_all(tuning, err);
    store_read_end(tuning->state.store);
    TRY(result);
    TRY(asks_find_studies(tuning, err));
    tuning->state.may_have_work = true;
    tuning->look_again_ms = tuning->state.now_ms + TUNING_LOOK_AGAIN_MS;
    tuning->state.studies_moved = true;
    tuning->state.studies_changed = true;
    tuning->state.tokens_changed = true;
    return 0;
}

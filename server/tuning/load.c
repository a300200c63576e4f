/* From the store to the live state: at start, and after a group that could not be kept. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "server/advice/choose.h"
#include "server/tuning/facts.h"
#include "server/tuning/live.h"

/* ---- workers ---- */

static int load_worker(void *context, int64_t id, const char *name, struct err *err)
{
    struct tuning *tuning = context;
    uint64_t key = digest_text(name);
    struct live_worker *worker = map_get(&tuning->worker_by_name, key);

    if (worker == NULL) {
        worker = calloc(1, sizeof *worker);
        if (worker == NULL || map_put(&tuning->worker_by_name, key, worker, err) != 0) {
            free(worker);
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        (void)snprintf(worker->name, sizeof worker->name, "%s", name);
    }
    worker->id = id;
    return map_put(&tuning->worker_by_id, (uint64_t)id, worker, err);
}

/* Rows that a rolled-back group had made are no rows. */
static void forget_rows(struct tuning *tuning)
{
    size_t at = 0;
    struct live_worker *worker;

    while ((worker = map_next(&tuning->worker_by_name, &at)) != NULL) {
        worker->id = 0;
    }
    map_finish(&tuning->worker_by_id);
}

/* ---- studies ---- */

static int load_metric(void *context, int64_t id, const char *name, struct err *err)
{
    struct live_study *study = context;

    if (study->metrics == NULL) {
        study->metrics = calloc(METRICS_MAX, sizeof *study->metrics);
        if (study->metrics == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    if (id != (int64_t)study->n_metrics || id >= METRICS_MAX) {
        return err_set(err, ERR_IO, "metric \"%s\" has the number of another", name);
    }
    (void)snprintf(study->metrics[study->n_metrics++], NAME_BYTES + 1, "%s", name);
    return 0;
}

static int load_fact(void *context, const struct fact_row *row, struct err *err)
{
    struct live_study *study = context;
    struct schedule_record record = fact_record(row);

    return schedule_load(study->schedule, &record, err);
}

/* ---- the past of strategies that learn ---- */

struct past_loading {
    size_t n, cap;
    struct trial_row *rows; /* finished ones, to be sorted by the order of their ends */
};

static int collect_finished(void *context, struct trial_row *row, struct err *err)
{
    struct past_loading *loading = context;

    if (loading->n == loading->cap) {
        size_t cap = loading->cap == 0 ? 64 : loading->cap * 2;
        struct trial_row *grown = realloc(loading->rows, cap * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        loading->rows = grown;
        loading->cap = cap;
    }
    free(row->explain);
    row->explain = NULL;
    loading->rows[loading->n++] = *row;
    *row = (struct trial_row){0};
    return 0;
}

static int by_end(const void *a, const void *b)
{
    int64_t left = ((const struct trial_row *)a)->ended_seq;
    int64_t right = ((const struct trial_row *)b)->ended_seq;

    return (left > right) - (left < right);
}

static int load_fit(void *context, uint64_t n_seen, const void *data, size_t bytes, struct err *err)
{
    return past_add_fit(context, n_seen, data, bytes, err);
}

static int load_past(struct tuning *tuning, struct live_study *study, struct err *err)
{
    const unsigned finished =
        1u << TRIAL_COMPLETED | 1u << TRIAL_PRUNED | 1u << TRIAL_FAILED | 1u << TRIAL_INFEASIBLE;
    struct past_loading loading = {0};
    struct trial_query query = {.study = study->row.id, .limit = -1, .states = finished};

    if (study->past == NULL) {
        return 0;
    }
    int result = store_each_trial(tuning->store, &query, collect_finished, &loading, err);
    if (loading.n > 0) {
        qsort(loading.rows, loading.n, sizeof *loading.rows, by_end);
    }
    for (size_t i = 0; i < loading.n; i++) {
        if (result == 0) {
            result = study_remember(tuning, study, &loading.rows[i], err);
        }
        trial_row_finish(&loading.rows[i]);
    }
    free(loading.rows);
    TRY(result);
    OWN(sources) struct sources sources = {0};
    TRY(sources_load(tuning->store, study->row.id, study->def, &sources, err));
    past_set_sources(study->past, &sources);
    return store_each_fit(tuning->store, study->row.id, load_fit, study->past, err);
}

static int read_definition(const struct study_row *row, const char *text, struct study_def **def,
                           struct err *err)
{
    json_auto_t *body = json_loads(text, 0, NULL);
    struct faults faults = {0};

    if (body == NULL || study_def_from_json(body, 0, def, &faults) != 0) {
        (void)err_set(err, ERR_IO, "study \"%s\" cannot be read back: %.300s", row->name,
                      faults.n > 0 ? faults.items[0].detail : "its definition is damaged");
        faults_finish(&faults);
        return -1;
    }
    faults_finish(&faults);
    if (advice_settle_old(*def, err) != 0) {
        study_def_destroy(*def);
        return -1;
    }
    return 0;
}

static int load_study(void *context, struct study_row *row, struct err *err)
{
    struct tuning *tuning = context;
    struct study_def *def;
    struct live_study *study;

    TRY(read_definition(row, row->definition, &def, err));
    struct shared_def *shared = shared_def_create(def);
    if (shared == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    TRY(study_enter(tuning, row, shared, &study, err));
    TRY(store_each_metric(tuning->store, row->id, load_metric, study, err));
    TRY(store_each_fact(tuning->store, row->id, load_fact, study, err));
    if (schedule_has_facts(study->schedule)) {
        study->stragglers_ms = tuning->now_ms; /* somebody's time may be over already */
    }
    TRY(load_past(tuning, study, err));
    return study_set_clock(tuning, study, err);
}

/* ---- trials ---- */

struct curve {
    struct live_study *study;
    int64_t trial;               /* its number */
    struct live_lease *lease;    /* or NULL */
    struct learning_curve *kept; /* of an open trial whose study learns; or NULL */
    int64_t objective;           /* metric id, -1: never measured */
    int64_t step;                /* of the point that is being read */
    double value;
    bool has_point;
};

static int recall_point(struct curve *curve, struct err *err)
{
    if (!curve->has_point) {
        return 0;
    }
    curve->has_point = false;
    return schedule_recall(curve->study->schedule, curve->trial, curve->step, curve->value, err);
}

static int remember_last(struct live_lease *lease, int64_t metric, int64_t step, double value,
                         struct err *err)
{
    lease->last_step = step > lease->last_step ? step : lease->last_step;
    if (lease->n_last > 0 && lease->last[lease->n_last - 1].metric == metric) {
        lease->last[lease->n_last - 1].step = step;
        lease->last[lease->n_last - 1].value = value;
        return 0;
    }
    struct last_value *grown = realloc(lease->last, (lease->n_last + 1) * sizeof *grown);
    if (grown == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    lease->last = grown;
    lease->last[lease->n_last++] =
        (struct last_value){.metric = metric, .step = step, .value = value};
    return 0;
}

/* Rows come by metric, step, attempt: a step that is known already informs nobody again. */
static int load_point(void *context, int64_t metric, int64_t attempt, int64_t step, double value,
                      struct err *err)
{
    struct curve *curve = context;
    struct live_lease *lease = curve->lease;

    if (lease != NULL && attempt == lease->row.number) {
        TRY(remember_last(lease, metric, step, value, err));
    }
    if (metric != curve->objective) {
        return 0;
    }
    if (curve->kept != NULL) {
        TRY(learning_curve_add(curve->kept, step, value, err));
    }
    if (curve->has_point && curve->step == step) {
        return 0;
    }
    TRY(recall_point(curve, err));
    curve->step = step;
    curve->value = value;
    curve->has_point = true;
    return 0;
}

static int load_curve(struct tuning *tuning, struct live_study *study, int64_t number,
                      struct live_lease *lease, struct learning_curve *kept, struct err *err)
{
    struct curve curve = {
        .study = study,
        .trial = number,
        .lease = lease,
        .kept = kept,
        .objective = metric_find(study, study->def->objectives[0].metric),
    };

    TRY(store_each_measurement(tuning->store, trial_id(study->row.id, number), -1, load_point,
                               &curve, err));
    return recall_point(&curve, err);
}

/* A stopping rule compares with the curves of trials that are final. */
static int load_final_curves(struct tuning *tuning, struct err *err)
{
    for (struct live_study *study = tuning->studies; study != NULL; study = study->next) {
        bool wanted = schedule_wants_curves(study->schedule) && study->row.state != STUDY_FINISHED;
        for (int64_t number = 1; wanted && number <= study->row.last_number; number++) {
            if (trial_live(tuning, trial_id(study->row.id, number)) == NULL) {
                TRY(load_curve(tuning, study, number, NULL, NULL, err));
            }
        }
    }
    return 0;
}

static int load_checkpoint(void *context, struct attempt_row *row, struct err *err)
{
    struct checkpoint *checkpoint = context;

    (void)err;
    if (row->checkpoint != NULL) {
        json_auto_t *value = json_loads(row->checkpoint, 0, NULL);
        const char *uri = json_string_value(json_object_get(value, "uri"));
        const char *reach = json_string_value(json_object_get(value, "reach"));
        checkpoint->present = uri != NULL && reach != NULL;
        checkpoint->step = json_integer_value(json_object_get(value, "step"));
        (void)snprintf(checkpoint->uri, sizeof checkpoint->uri, "%s", uri == NULL ? "" : uri);
        (void)snprintf(checkpoint->reach, sizeof checkpoint->reach, "%s",
                       reach == NULL ? "" : reach);
    }
    return 0;
}

/* The best trial's, if it has ended and did not complete. */
static int load_best(struct tuning *tuning, struct live_study *study, struct err *err)
{
    OWN(trial_row) struct trial_row row = {0};
    int64_t id = trial_id(study->row.id, study->row.best_trial);

    if (study->row.best_trial == 0 || !study->def->has_resource) {
        return 0;
    }
    TRY(store_trial_load(tuning->store, id, &row, err));
    if (!trial_state_is_final(row.state) || row.state == TRIAL_COMPLETED) {
        return 0;
    }
    study->best_holder = study->row.best_trial;
    return store_each_attempt(tuning->store, id, load_checkpoint, &study->best_checkpoint, err);
}

static int memo_add(struct tuning *tuning, const struct attempt_row *row, int64_t ended_ms,
                    struct err *err)
{
    uint64_t key;

    if (!row->has_request) {
        return 0;
    }
    memcpy(&key, row->request, sizeof key);
    struct memo *memo = map_get(&tuning->memo_by_request, key);
    if (memo != NULL && memo->attempt_id > row->id) {
        return 0; /* a newer attempt under the same id */
    }
    if (memo == NULL) {
        memo = calloc(1, sizeof *memo);
        if (memo == NULL || map_put(&tuning->memo_by_request, key, memo, err) != 0) {
            free(memo);
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    memcpy(memo->request, row->request, sizeof memo->request);
    memo->attempt_id = row->id;
    memo->ended_ms = ended_ms;
    return 0;
}

/* The newest attempt: live, or lost and perhaps coming back. */
static int load_lease(struct tuning *tuning, struct live_trial *trial, struct err *err)
{
    OWN(attempt_row) struct attempt_row row = {0};
    struct live_lease *lease;

    TRY(store_attempt_load(tuning->store, trial->row.attempt_id, &row, err));
    bool live = trial->row.state == TRIAL_RUNNING;
    if (!live && row.end != ATTEMPT_LOST) {
        return 0;
    }
    struct live_worker *worker = map_get(&tuning->worker_by_id, (uint64_t)row.worker);
    if (worker == NULL) {
        return err_set(err, ERR_IO, "an attempt names a worker that is not there");
    }
    TRY(lease_enter(tuning, trial, &row, worker, &lease, err));
    TRY(memo_add(tuning, &row, 0, err));
    if (!live) {
        lease->expired = true;
        return 0;
    }
    lease_count(tuning, lease, 1);
    int64_t ttl_ms = trial->study->def->ttl_ms;
    lease->ttl_ms =
        ttl_ms > tuning->settings.start_grace_ms ? ttl_ms : tuning->settings.start_grace_ms;
    schedule_hold(trial->study->schedule, trial_id_number(trial->row.id), row.to);
    return heap_set(&tuning->deadlines, &lease->deadline, tuning->now_ms + lease->ttl_ms, err);
}

static int load_trial(void *context, struct trial_row *row, struct err *err)
{
    struct tuning *tuning = context;
    struct live_study *study = map_get(&tuning->study_by_id, (uint64_t)trial_id_study(row->id));
    struct live_trial *trial;

    if (study == NULL) {
        return 0; /* of a deleted study: waits for the purge */
    }
    if (row->n_params != study->def->space->n_params) {
        return err_set(err, ERR_IO, "a trial of study \"%s\" has another number of parameters",
                       study->row.name);
    }
    TRY(trial_enter(tuning, study, row, &trial, err));
    if (trial->row.state == TRIAL_QUEUED) {
        trial_queue_push(trial->row.attempt == 0 ? &study->enqueued : &study->retries, trial);
    }
    if (trial->row.attempt == 0) {
        return 0;
    }
    if (study->def->has_resource) {
        struct checkpoint newest = {0};
        TRY(store_each_attempt(tuning->store, trial->row.id, load_checkpoint, &newest, err));
        TRY(discards_hold(tuning, trial, &newest, err));
    }
    TRY(load_lease(tuning, trial, err));
    bool learns = study->past != NULL && study->def->has_resource;
    return load_curve(tuning, study, trial_id_number(trial->row.id), trial->lease,
                      learns ? &trial->curve : NULL, err);
}

static int load_request(void *context, struct attempt_row *row, struct err *err)
{
    struct tuning *tuning = context;

    return memo_add(tuning, row, tuning->now_ms, err);
}

static int load_token(void *context, const struct token_row *row, struct err *err)
{
    return token_enter(context, row, err);
}

int tuning_load(struct tuning *tuning, struct err *err)
{
    tuning->now_ms = tuning->settings.clock->monotonic_ms(tuning->settings.clock);
    tuning->wall_ms = tuning->settings.clock->wall_ms(tuning->settings.clock);
    tuning->generation++; /* thoughts that are out belong to the state before */
    tuning_clear(tuning);
    forget_rows(tuning);
    for (struct ask *ask = tuning->asks; ask != NULL; ask = ask->next) {
        ask->has_thought = false;
        ask->thinks = false;
    }
    TRY(store_last_seq(tuning->store, &tuning->last_seq, err));
    TRY(store_each_token(tuning->store, load_token, tuning, err));
    TRY(store_each_worker(tuning->store, load_worker, tuning, err));
    TRY(store_each_study(tuning->store, load_study, tuning, err));
    TRY(store_each_recent_request(tuning->store, tuning->wall_ms - 10 * 60 * 1000, load_request,
                                  tuning, err));
    TRY(store_each_open_trial(tuning->store, load_trial, tuning, err));
    TRY(load_final_curves(tuning, err));
    TRY(words_ask_all(tuning, err));
    tuning->words_moved = true;
    for (struct live_study *study = tuning->studies; study != NULL; study = study->next) {
        TRY(load_best(tuning, study, err));
    }
    TRY(discards_load(tuning, err));
    tuning->may_have_work = true;
    tuning->studies_moved = true;
    tuning->studies_changed = true;
    tuning->tokens_changed = true;
    return 0;
}

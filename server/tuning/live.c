/* Memory of the live state: who enters, who leaves, who is found. */
#include "server/tuning/live.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"

/* ---- studies ---- */

struct live_study *study_named(const struct tuning *tuning, const char *name)
{
    struct live_study *study = map_get(&tuning->study_by_name, digest_text(name));

    return study != NULL && strcmp(study->row.name, name) == 0 ? study : NULL;
}

int study_required(const struct tuning *tuning, const char *name, struct live_study **study,
                   struct err *err)
{
    *study = study_named(tuning, name);
    if (*study == NULL) {
        return err_set(err, ERR_NOT_FOUND,
                       "there is no study \"%s\"; GET /v1/studies lists them, POST makes one",
                       name);
    }
    return 0;
}

static void study_free(struct live_study *study)
{
    if (study == NULL) {
        return;
    }
    study_row_finish(&study->row);
    study_forget_thoughts(study);
    past_destroy(study->past);
    schedule_destroy(study->schedule);
    shared_def_destroy(study->first);
    shared_def_destroy(study->shared);
    free(study->metrics);
    free(study->objectives_json);
    free(study->job_json);
    free(study);
}

static char *objectives_text(const struct study_def *def)
{
    struct buf text;
    struct json_writer w;

    buf_init(&text, 1 << 16);
    json_writer_init(&w, &text);
    json_array_begin(&w);
    for (size_t i = 0; i < def->n_objectives; i++) {
        json_object_begin(&w);
        json_put_string(&w, "metric", def->objectives[i].metric);
        json_put_string(&w, "direction",
                        def->objectives[i].direction == DIRECTION_MAXIMIZE ? "maximize"
                                                                           : "minimize");
        json_object_end(&w);
    }
    json_array_end(&w);
    return buf_steal(&text);
}

static int study_read_def(struct live_study *study, struct shared_def *shared, struct err *err)
{
    study->shared = shared;
    study->def = shared->def;
    study->strategy = strategy_find(schedule_search(study->def));
    if (study->strategy == NULL) {
        return err_set(err, ERR_INVALID, "study \"%s\": this honed has no strategy \"%s\"",
                       study->row.name, schedule_search(study->def));
    }
    study->objectives_json = objectives_text(study->def);
    if (study->def->job != NULL) {
        study->job_json = json_dumps(study->def->job, JSON_COMPACT);
    }
    if (study->objectives_json == NULL || (study->def->job != NULL && study->job_json == NULL)) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

int study_enter(struct tuning *tuning, const struct study_row *row, struct shared_def *shared,
                struct live_study **study, struct err *err)
{
    struct live_study *entered = calloc(1, sizeof *entered);

    if (entered == NULL) {
        shared_def_destroy(shared);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    entered->row = *row;
    entered->row.accepted = strdup(row->accepted);
    entered->row.definition = strdup(row->definition);
    entered->first = shared_def_hold(shared);
    entered->retries.tail = &entered->retries.first;
    entered->enqueued.tail = &entered->enqueued.first;
    entered->stragglers_ms = INT64_MAX;
    entered->thoughts_tail = &entered->thoughts;
    entered->ready_tail = &entered->ready;
    entered->epoch = ++tuning->epochs;
    heap_node_init(&entered->clock, entered);
    if (study_read_def(entered, shared, err) != 0
        || schedule_create(entered->def, &entered->schedule, err) != 0) {
        study_free(entered);
        return -1;
    }
    if (entered->strategy->needs_history || schedule_wants_word(entered->def)) {
        entered->past = past_create(shared);
        if (entered->past == NULL) {
            study_free(entered);
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    if (entered->row.accepted == NULL || entered->row.definition == NULL
        || map_put(&tuning->study_by_name, digest_text(row->name), entered, err) != 0
        || map_put(&tuning->study_by_id, (uint64_t)row->id, entered, err) != 0) {
        (void)map_take(&tuning->study_by_name, digest_text(row->name));
        study_free(entered);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *tuning->studies_tail = entered;
    tuning->studies_tail = &entered->next;
    tuning->studies_changed = true;
    *study = entered;
    return 0;
}

int study_redefine(struct live_study *study, struct shared_def *shared, struct err *err)
{
    struct shared_def *before = study->shared;

    free(study->objectives_json);
    free(study->job_json);
    study->objectives_json = NULL;
    study->job_json = NULL;
    TRY(study_read_def(study, shared, err));
    shared_def_destroy(before);
    study->redefine = true;
    study->dirty = true;
    return 0;
}

void study_leave(struct tuning *tuning, struct live_study *study)
{
    struct live_study **at = &tuning->studies;

    while (*at != study) {
        at = &(*at)->next;
    }
    *at = study->next;
    if (tuning->studies_tail == &study->next) {
        tuning->studies_tail = at;
    }
    (void)map_take(&tuning->study_by_name, digest_text(study->row.name));
    (void)map_take(&tuning->study_by_id, (uint64_t)study->row.id);
    heap_remove(&tuning->study_clocks, &study->clock);
    tuning->studies_changed = true;
    study_free(study);
}

/* ---- metrics ---- */

int64_t metric_find(const struct live_study *study, const char *name)
{
    for (size_t i = 0; i < study->n_metrics; i++) {
        if (strcmp(study->metrics[i], name) == 0) {
            return (int64_t)i;
        }
    }
    return -1;
}

int metric_id(struct tuning *tuning, struct live_study *study, const char *name, int64_t *id,
              struct err *err)
{
    *id = metric_find(study, name);
    if (*id >= 0) {
        return 0;
    }
    if (study->n_metrics == METRICS_MAX) {
        return err_set(err, ERR_INVALID,
                       "metric \"%s\" would be the study's %d-th; a study keeps %d", name,
                       METRICS_MAX + 1, METRICS_MAX);
    }
    if (study->metrics == NULL) {
        study->metrics = calloc(METRICS_MAX, sizeof *study->metrics);
        if (study->metrics == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    *id = (int64_t)study->n_metrics;
    TRY(store_metric_insert(tuning->store, study->row.id, *id, name, err));
    (void)strncpy(study->metrics[study->n_metrics++], name, NAME_BYTES);
    tuning->studies_changed = true;
    return 0;
}

/* ---- workers ---- */

int worker_seen(struct tuning *tuning, const struct lease_ask *ask, struct live_worker **worker,
                struct err *err)
{
    uint64_t key = digest_text(ask->worker);
    struct live_worker *seen = map_get(&tuning->worker_by_name, key);

    if (seen == NULL) {
        seen = calloc(1, sizeof *seen);
        if (seen == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        memcpy(seen->name, ask->worker, sizeof seen->name);
        if (map_put(&tuning->worker_by_name, key, seen, err) != 0) {
            free(seen);
            return -1;
        }
    }
    if (ask->host[0] != '\0') {
        memcpy(seen->host, ask->host, sizeof seen->host);
    }
    seen->n_gpus = (int64_t)ask->n_gpus;
    seen->last_seen_ms = tuning->wall_ms;
    *worker = seen;
    return 0;
}

/* ---- trials ---- */

struct live_trial *trial_live(const struct tuning *tuning, int64_t id)
{
    return map_get(&tuning->trial_by_id, (uint64_t)id);
}

static int by_id(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

int study_open_trials(const struct tuning *tuning, const struct live_study *study, int64_t **ids,
                      size_t *n, struct err *err)
{
    int64_t *found = malloc((tuning->trial_by_id.n + 1) * sizeof *found);
    size_t at = 0;
    const struct live_trial *trial;

    if (found == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *n = 0;
    while ((trial = map_next(&tuning->trial_by_id, &at)) != NULL) {
        if (trial->study == study) {
            found[(*n)++] = trial->row.id;
        }
    }
    qsort(found, *n, sizeof *found, by_id);
    *ids = found;
    return 0;
}

int trial_enter(struct tuning *tuning, struct live_study *study, struct trial_row *row,
                struct live_trial **trial, struct err *err)
{
    struct live_trial *entered = calloc(1, sizeof *entered);

    if (entered == NULL || map_put(&tuning->trial_by_id, (uint64_t)row->id, entered, err) != 0) {
        free(entered);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    entered->row = *row;
    *row = (struct trial_row){0};
    entered->study = study;
    entered->curve.study = study->first->def;
    *trial = entered;
    return 0;
}

void trial_leave(struct tuning *tuning, struct live_trial *trial)
{
    trial_queue_remove(trial);
    if (trial->lease != NULL) {
        lease_leave(tuning, trial->lease);
    }
    (void)map_take(&tuning->trial_by_id, (uint64_t)trial->row.id);
    discards_let_go(tuning, trial);
    trial_row_finish(&trial->row);
    free(trial->parameters);
    learning_curve_finish(&trial->curve);
    free(trial);
    tuning->words_moved = true;
}

void trial_queue_push(struct trial_queue *queue, struct live_trial *trial)
{
    trial->next = NULL;
    trial->link = queue->tail;
    *queue->tail = trial;
    queue->tail = &trial->next;
    queue->n++;
}

void trial_queue_remove(struct live_trial *trial)
{
    if (trial->link == NULL) {
        return;
    }
    struct trial_queue *queue =
        trial->row.attempt == 0 ? &trial->study->enqueued : &trial->study->retries;
    *trial->link = trial->next;
    if (trial->next != NULL) {
        trial->next->link = trial->link;
    } else {
        queue->tail = trial->link;
    }
    trial->link = NULL;
    trial->next = NULL;
    queue->n--;
}

/* ---- leases ---- */

int lease_enter(struct tuning *tuning, struct live_trial *trial, const struct attempt_row *row,
                struct live_worker *worker, struct live_lease **lease, struct err *err)
{
    struct live_lease *entered = calloc(1, sizeof *entered);

    if (entered == NULL
        || map_put(&tuning->lease_by_attempt, (uint64_t)row->id, entered, err) != 0) {
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

void lease_leave(struct tuning *tuning, struct live_lease *lease)
{
    (void)map_take(&tuning->lease_by_attempt, (uint64_t)lease->row.id);
    heap_remove(&tuning->deadlines, &lease->deadline);
    if (lease->trial != NULL && lease->trial->lease == lease) {
        lease->trial->lease = NULL;
    }
    attempt_row_finish(&lease->row);
    discard_list_free(lease->discards);
    free(lease->last);
    free(lease);
}

/* ---- the whole ---- */

void command_done(struct tuning *tuning, struct command *command)
{
    command->next = NULL;
    command->answered = true;
    *tuning->done_tail = command;
    tuning->done_tail = &command->next;
}

static void clear_workers(struct tuning *tuning, bool forget)
{
    size_t at = 0;
    struct live_worker *worker;

    while ((worker = map_next(&tuning->worker_by_name, &at)) != NULL) {
        worker->leases = 0;
        if (forget) {
            free(worker);
        }
    }
}

void tuning_clear(struct tuning *tuning)
{
    size_t at = 0;
    struct live_trial *trial;
    struct memo *memo;

    while ((trial = map_next(&tuning->trial_by_id, &at)) != NULL) {
        trial_leave(tuning, trial);
        at--; /* the slot may have been filled from behind */
    }
    struct live_lease *lease;
    for (at = 0; (lease = map_next(&tuning->lease_by_attempt, &at)) != NULL; at--) {
        lease_leave(tuning, lease);
    }
    while (tuning->studies != NULL) {
        study_leave(tuning, tuning->studies);
    }
    for (at = 0; (memo = map_next(&tuning->memo_by_request, &at)) != NULL;) {
        free(memo);
    }
    map_finish(&tuning->memo_by_request);
    tokens_clear(tuning);
    discards_clear(tuning);
    clear_workers(tuning, false);
    tuning->n_live_leases = 0;
}

int tuning_create(const struct tuning_settings *settings, struct store *store,
                  struct tuning **tuning, struct err *err)
{
    struct tuning *created = calloc(1, sizeof *created);

    if (created == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    created->settings = *settings;
    created->store = store;
    created->studies_tail = &created->studies;
    created->asks_tail = &created->asks;
    created->parked_tail = &created->parked;
    created->done_tail = &created->done;
    created->outgoing_tail = &created->outgoing;
    if (tuning_load(created, err) != 0) {
        tuning_destroy(created);
        return -1;
    }
    *tuning = created;
    return 0;
}

void tuning_destroy(struct tuning *tuning)
{
    if (tuning == NULL) {
        return;
    }
    while (tuning->asks != NULL) {
        ask_answer(tuning, tuning->asks);
    }
    reports_answer(tuning, true);
    struct command *command;
    while ((command = tuning_take_done(tuning)) != NULL) {
        command_destroy(command);
    }
    struct thought *thought;
    while ((thought = tuning_take_thought(tuning)) != NULL) {
        thought_destroy(thought);
    }
    tuning_clear(tuning);
    clear_workers(tuning, true);
    map_finish(&tuning->study_by_name);
    map_finish(&tuning->study_by_id);
    map_finish(&tuning->trial_by_id);
    map_finish(&tuning->lease_by_attempt);
    map_finish(&tuning->worker_by_name);
    map_finish(&tuning->worker_by_id);
    heap_finish(&tuning->deadlines);
    heap_finish(&tuning->ask_deadlines);
    heap_finish(&tuning->study_clocks);
    heap_finish(&tuning->word_deadlines);
    free(tuning);
}

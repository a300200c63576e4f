#include "server/api/keep_files.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/wire/checkpoint.h"
#include "server/api/read.h"

struct sweep {
    struct api *api;
    struct store *store;
};

/* Asked of the newest view each time: a study may be created during a walk. */
static bool study_lives(void *context, int64_t study)
{
    const struct sweep *sweep = context;
    struct live_view *view = engine_view(sweep->api->engine);
    bool lives = read_study_name(view, study) != NULL;

    live_view_release(view);
    return lives;
}

struct question {
    int64_t attempt;
    bool is_known, lives;
};

static int look(void *context, struct attempt_row *row, struct err *err)
{
    struct question *question = context;

    (void)err;
    if (row->number == question->attempt) {
        question->is_known = true;
        question->lives = row->end == ATTEMPT_LIVE;
    }
    return 0;
}

/* What cannot be found out is true. */
static struct question ask(const struct sweep *sweep, const struct log_name *name)
{
    struct question question = {.attempt = name->attempt};
    struct err err;

    if (store_each_attempt(sweep->store, trial_id(name->study, name->trial), look, &question, &err)
        != 0) {
        question.is_known = true;
        question.lives = true;
    }
    return question;
}

static bool attempt_lives(void *context, const struct log_name *name)
{
    return ask(context, name).lives;
}

static bool attempt_is_known(void *context, const struct log_name *name)
{
    return ask(context, name).is_known;
}

/* Reader thread. */
static void run_sweep(void *argument, struct store *store)
{
    struct sweep sweep = {argument, store};
    const struct logs_world world = {&sweep, study_lives, attempt_lives, attempt_is_known};
    struct err err = {0};

    if (logs_sweep(sweep.api->logs, &world, &err) != 0) {
        log_warning("%s", err.text);
    }
}

static void start_sweep(struct api *api)
{
    struct err err = {0};

    if (engine_read(api->engine, run_sweep, api, &err) != 0) {
        log_warning("the logs could not be looked at: %s", err.text);
    }
}

/* ---- uploaded checkpoints ---- */

#define PRUNE_ALL_MS ((int64_t)600 * 1000)

/* What the attempts of a trial say about a file. */
struct use {
    const char *uri;
    bool is_newest;      /* what the trial goes on from */
    enum attempt_end by; /* how the newest attempt has ended */
};

static int note_use(void *context, struct attempt_row *row, struct err *err)
{
    struct use *use = context;
    json_auto_t *value = NULL;

    use->by = row->end;
    if (row->checkpoint == NULL) {
        return 0;
    }
    TRY(json_parse_own(row->checkpoint, &value, err));
    const char *uri = json_string_value(json_object_get(value, "uri"));
    use->is_newest = uri != NULL && strcmp(uri, use->uri) == 0;
    return 0;
}

static bool is_best(struct store *store, int64_t study, int64_t trial)
{
    OWN(study_row) struct study_row row = {0};
    struct err err;

    return store_study_load(store, study, &row, &err) != 0 || row.best_trial == trial;
}

/* As state/checkpoints.h has it: that of an open trial to go on from, that of a completed one and
 * that of the best one. While an attempt runs, or was lost and may still send its result, all is
 * kept: it may have uploaded what no result has named yet, or once more what an earlier one had
 * named. What cannot be found out is kept. */
static bool is_needed(void *context, int64_t study, int64_t number, const char *uri)
{
    const struct sweep *sweep = context;
    OWN(trial_row) struct trial_row trial = {0};
    struct use use = {.uri = uri};
    struct err err = {0};
    int64_t id = trial_id(study, number);

    if (!study_lives(context, study)) {
        return false;
    }
    if (store_trial_load(sweep->store, id, &trial, &err) != 0
        || store_each_attempt(sweep->store, id, note_use, &use, &err) != 0) {
        return err.code != ERR_NOT_FOUND;
    }
    if (trial_state_is_final(trial.state)) {
        return use.is_newest
               && (trial.state == TRIAL_COMPLETED || is_best(sweep->store, study, number));
    }
    return use.is_newest || use.by == ATTEMPT_LIVE || use.by == ATTEMPT_LOST;
}

/* Reader thread. */
static void run_prune(void *argument, struct store *store)
{
    struct sweep sweep = {argument, store};
    const struct uploads_world world = {&sweep, is_needed};
    struct err err = {0};

    if (uploads_prune(sweep.api->uploads, &world, &err) != 0) {
        log_warning("%s", err.text);
    }
}

static void start_prune(struct api *api)
{
    struct err err = {0};

    atomic_store(&api->pruned_at_ms, api->clock->monotonic_ms(api->clock));
    if (engine_read(api->engine, run_prune, api, &err) != 0) {
        log_warning("the uploaded checkpoints could not be looked at: %s", err.text);
    }
}

#define EVENTS_AT_ONCE 1000

struct ended_list {
    int64_t trials[EVENTS_AT_ONCE]; /* ids */
    size_t n;
};

static int note_ended(void *context, const struct event_row *event, struct err *err)
{
    struct ended_list *ended = context;

    (void)err;
    if (event->kind == EVENT_ATTEMPT_ENDED || event->kind == EVENT_TRIAL_PAUSED
        || event->kind == EVENT_TRIAL_ENDED) {
        ended->trials[ended->n++] = trial_id(event->study, event->trial);
    }
    return 0;
}

static void prune_ended(struct sweep *sweep, const struct ended_list *ended)
{
    const struct uploads_world world = {sweep, is_needed};
    struct uploads *uploads = sweep->api->uploads;

    for (size_t i = 0; i < ended->n; i++) {
        int64_t study = trial_id_study(ended->trials[i]);
        int64_t number = trial_id_number(ended->trials[i]);
        uploads_prune_trial(uploads, study, number, &world);
        if (is_best(sweep->store, study, number)) { /* another one is it no more */
            uploads_prune_study(uploads, study, &world);
        }
    }
}

/* Reader thread: looks at the trials of what has happened since the last time. The events are read
 * to their end first: as long as a statement is open, the store shows what was there at its begin,
 * and a file that was uploaded since then would seem to be nobody's. */
static void run_prune_ended(void *argument, struct store *store)
{
    struct api *api = argument;
    struct sweep sweep = {api, store};
    struct err err = {0};
    int64_t after = atomic_load(&api->pruned_seq);
    int64_t looked_at = after;

    atomic_store(&api->prunes, false); /* what happens from now on is another job's */
    do {
        struct ended_list ended = {.n = 0};
        after = looked_at;
        if (store_each_event(store, 0, after, EVENTS_AT_ONCE, note_ended, &ended, &looked_at, &err)
            != 0) {
            log_warning("%s", err.text);
            return;
        }
        prune_ended(&sweep, &ended);
    } while (looked_at > after);
    atomic_store(&api->pruned_seq, looked_at);
}

void keep_files_after_events(struct api *api)
{
    struct err err;

    if (api->uploads == NULL || !uploads_are_used(api->uploads)) {
        atomic_store(&api->pruned_seq, atomic_load(&api->last_seq));
        return;
    }
    if (!atomic_exchange(&api->prunes, true)
        && engine_read(api->engine, run_prune_ended, api, &err) != 0) {
        atomic_store(&api->prunes, false); /* overloaded: the next event tries again */
    }
    if (api->clock->monotonic_ms(api->clock) - atomic_load(&api->pruned_at_ms) > PRUNE_ALL_MS) {
        start_prune(api); /* for what could not be looked at in its time */
    }
}

/* ---- another epoch ---- */

struct epoch_job {
    struct api *api;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
    int result;
    struct err err;
};

/* Reader thread. */
static void run_epoch(void *argument, struct store *store)
{
    struct epoch_job *job = argument;
    struct sweep sweep = {job->api, store};
    const struct logs_world world = {&sweep, study_lives, attempt_lives, attempt_is_known};
    struct hwm mark;

    store_mark(store, &mark);
    int result = logs_begin_epoch(job->api->logs, mark.epoch, &world, &job->err);
    (void)pthread_mutex_lock(&job->lock);
    job->result = result;
    job->is_done = true;
    (void)pthread_cond_signal(&job->done);
    (void)pthread_mutex_unlock(&job->lock);
}

int keep_files_begin_epoch(struct api *api, struct err *err)
{
    struct epoch_job job = {.api = api};

    if (api->logs == NULL) {
        return 0;
    }
    (void)pthread_mutex_init(&job.lock, NULL);
    (void)pthread_cond_init(&job.done, NULL);
    int result = engine_read(api->engine, run_epoch, &job, err);
    if (result == 0) {
        (void)pthread_mutex_lock(&job.lock);
        while (!job.is_done) {
            (void)pthread_cond_wait(&job.done, &job.lock);
        }
        (void)pthread_mutex_unlock(&job.lock);
        result = job.result;
        *err = job.err;
    }
    (void)pthread_cond_destroy(&job.done);
    (void)pthread_mutex_destroy(&job.lock);
    return result;
}

/* ---- when ---- */

void keep_files_start(struct api *api)
{
    if (api->logs == NULL) {
        return;
    }
    struct live_view *view = engine_view(api->engine);
    atomic_store(&api->pruned_seq, view->last_seq); /* the walk sees what happened before */
    live_view_release(view);
    start_sweep(api);
    start_prune(api);
}

void keep_files_if_due(struct api *api)
{
    if (logs_want_sweep(api->logs)) {
        start_sweep(api);
    }
}

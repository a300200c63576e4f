#include "server/engine/engine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "server/engine/backups.h"
#include "server/engine/condition.h"
#include "server/engine/parts.h"
#include "server/engine/thread.h"
#include "server/engine/wait.h"
#include "server/engine/watch.h"
#include "server/engine/writer.h"

#define START_GRACE_MS 120000
#define SUGGESTION_TIMEOUT_MS 2000
#define VIEW_WAIT_MS 200 /* a writer that is busy for longer is not waited for */

static void system_entropy(void *context, void *bytes, size_t len)
{
    (void)context;
    rng_entropy(bytes, len);
}

/* Any thread. What is found before the start is no condition of it: it fails. */
static void on_damage(void *context, const char *text)
{
    struct engine *engine = context;

    if (atomic_load(&engine->is_loaded)) {
        condition_worsen(engine, CONDITION_DAMAGED, text);
    }
}

static int open_all(struct engine *engine, struct err *err)
{
    const struct engine_settings *settings = &engine->settings;
    struct store_settings store_settings = {
        .directory = settings->directory,
        .accept_loss = settings->accept_loss,
        .clock = settings->clock,
        .on_damage = on_damage,
        .context = engine,
    };
    struct tuning_settings tuning_settings = {
        .clock = settings->clock,
        .entropy = system_entropy,
        .render = settings->render,
        .start_grace_ms = START_GRACE_MS,
        .keep_event_days = settings->keep_event_days,
        .keep_audit_days = settings->keep_audit_days,
        .suggestion_timeout_ms = SUGGESTION_TIMEOUT_MS,
        .suggest_durations = &engine->suggest_durations,
    };

    TRY(backups_open(engine, err));
    if (settings->directory != NULL) {
        TRY(store_lock_directory(settings->directory, &engine->lock_fd, err));
    }
    TRY(store_open(&store_settings, &engine->store, err));
    if (store_accepted_loss(engine->store) != NULL) {
        log_warning("--accept-loss: going on with what is there, without the leases that were "
                    "given out: %s",
                    store_accepted_loss(engine->store));
    }
    TRY(tuning_create(&tuning_settings, engine->store, &engine->tuning, err));
    /* One that cannot be read stays as it is. On a full disk the looking for space writes later. */
    if (store_begin_run(engine->store, err) != 0 && err->code != ERR_STORAGE_FULL) {
        return -1;
    }
    TRY(watch_open(engine, err));
    atomic_store(&engine->is_loaded, true);
    return 0;
}

int engine_create(const struct engine_settings *settings, struct engine **engine, struct err *err)
{
    struct engine *created = calloc(1, sizeof *created);

    if (created == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    created->settings = *settings;
    created->lock_fd = -1;
    queue_init(&created->queue);
    (void)pthread_mutex_init(&created->view_lock, NULL);
    wait_condition_init(&created->view_changed);
    created->watch.file.fd = -1;
    (void)pthread_mutex_init(&created->watch.lock, NULL);
    wait_condition_init(&created->watch.ended);
    atomic_store(&created->last_use_ms, real_ms());
    created->token_uses_kept_ms = real_ms();
    if (open_all(created, err) != 0) {
        engine_destroy(created);
        return -1;
    }
    *engine = created;
    return 0;
}

bool engine_has_token(const struct engine *engine, unsigned scope, bool usable)
{
    return tuning_has_token(engine->tuning, scope, usable);
}

int engine_add_token(struct engine *engine, struct token_row *row, struct err *err)
{
    return tuning_add_token(engine->tuning, row, err);
}

int engine_start(struct engine *engine, struct err *err)
{
    size_t n_readers = engine->settings.n_readers == 0 ? 2 : engine->settings.n_readers;

    TRY(readers_start(&engine->readers, engine->store, n_readers, err));
    engine->readers_run = true;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    TRY(optimisers_start(&engine->optimisers, &engine->queue, &engine->suggest_durations,
                         cores > 2 ? (size_t)cores - 1 : 1, err));
    engine->optimisers_run = true;
    TRY(watch_start(engine, err));
    TRY(backups_start(engine, err));
    view_publish(engine);
    tokens_publish(engine); /* no request may be looked at before */
    TRY(thread_start(&engine->writer, writer_main, engine, err));
    engine->writer_runs = true;
    queue_wake(&engine->queue); /* the first group settles what time brought */
    return 0;
}

void engine_stop(struct engine *engine, int64_t drain_ms)
{
    struct err err;

    (void)drain_ms;
    if (engine->writer_runs) {
        atomic_store(&engine->stopping, true);
        queue_wake(&engine->queue);
        queue_close(&engine->queue);
        (void)pthread_join(engine->writer, NULL);
        engine->writer_runs = false;
    }
    watch_stop(engine);
    backups_stop(engine);
    if (engine->optimisers_run) {
        optimisers_stop(&engine->optimisers);
        engine->optimisers_run = false;
    }
    if (engine->readers_run) {
        readers_stop(&engine->readers);
        engine->readers_run = false;
    }
    if (engine->store != NULL && !condition_is_final(engine)) {
        if (store_mark_clean(engine->store, &err) != 0) {
            log_warning("the stop could not be noted: %s", err.text);
        }
        store_checkpoint(engine->store, true);
    }
    watch_close(engine);
}

void engine_destroy(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    watch_stop(engine);
    backups_stop(engine);
    backups_close(engine);
    hwm_close(&engine->watch.file);
    live_view_release(engine->view);
    tuning_destroy(engine->tuning);
    store_close(engine->store);
    queue_finish(&engine->queue);
    readers_finish(&engine->readers);
    optimisers_finish(&engine->optimisers);
    (void)pthread_cond_destroy(&engine->watch.ended);
    (void)pthread_mutex_destroy(&engine->watch.lock);
    (void)pthread_cond_destroy(&engine->view_changed);
    (void)pthread_mutex_destroy(&engine->view_lock);
    if (engine->lock_fd >= 0) {
        (void)close(engine->lock_fd);
    }
    free(engine);
}

int engine_submit(struct engine *engine, struct command *command, struct err *err)
{
    if (condition_is_final(engine)) {
        return condition_check(engine, err);
    }
    if (engine->settings.idle_exit_ms > 0) {
        atomic_store_explicit(&engine->last_use_ms, real_ms(), memory_order_relaxed);
    }
    return queue_push(&engine->queue, command, err);
}

int engine_read(struct engine *engine, void (*job)(void *argument, struct store *reader),
                void *argument, struct err *err)
{
    if (engine->settings.idle_exit_ms > 0) {
        atomic_store_explicit(&engine->last_use_ms, real_ms(), memory_order_relaxed);
    }
    return readers_push(&engine->readers, job, argument, err);
}

int engine_think(struct engine *engine, struct request_job *job, struct err *err)
{
    return optimisers_push_request(&engine->optimisers, job, err);
}

struct live_view *engine_view(struct engine *engine)
{
    (void)pthread_mutex_lock(&engine->view_lock);
    struct live_view *view = live_view_hold(engine->view);
    (void)pthread_mutex_unlock(&engine->view_lock);
    return view;
}

struct live_view *engine_view_now(struct engine *engine)
{
    const struct timespec until = wait_deadline(VIEW_WAIT_MS);

    (void)pthread_mutex_lock(&engine->view_lock);
    uint64_t before = engine->view_number;
    if (!condition_is_final(engine)
        && (engine->view_is_old || real_ms() - engine->view_made_ms >= VIEW_EVERY_MS)) {
        atomic_store(&engine->view_is_wanted, true);
        queue_wake(&engine->queue);
        while (engine->view_number == before
               && pthread_cond_timedwait(&engine->view_changed, &engine->view_lock, &until) == 0) {
        }
    }
    struct live_view *view = live_view_hold(engine->view);
    (void)pthread_mutex_unlock(&engine->view_lock);
    return view;
}

bool engine_is_read_only(const struct engine *engine)
{
    return condition_is_final(engine);
}

int engine_check_writes(const struct engine *engine, struct err *err)
{
    return condition_check(engine, err);
}

void engine_stats(struct engine *engine, struct engine_stats *stats)
{
    *stats = (struct engine_stats){
        .groups = atomic_load(&engine->groups),
        .commands = atomic_load(&engine->commands),
        .commits = atomic_load(&engine->commits),
        .leases_granted = atomic_load(&engine->granted),
        .leases_expired = atomic_load(&engine->expired),
        .queue_length = queue_length(&engine->queue),
        .last_commit_us = atomic_load(&engine->last_commit_us),
        .commit_durations = &engine->commit_durations,
        .suggest_durations = &engine->suggest_durations,
    };
}

#include "server/engine/watch.h"

#include "common/log.h"
#include "server/engine/condition.h"
#include "server/engine/parts.h"
#include "server/engine/thread.h"
#include "server/engine/wait.h"

#define WATCH_MS 2000 /* how far the mark may lag behind */

/* Writes the mark if more is on disk than it says. A failure is logged once, and tried again. */
static void keep_mark(struct engine *engine)
{
    struct engine_watch *watch = &engine->watch;
    struct err err;

    if (condition_is_final(engine)) {
        return; /* the file may be another server's, or of a database that is to be restored */
    }
    watch->mark.commit = atomic_load(&watch->commit);
    if (watch->mark.commit == watch->written) {
        return;
    }
    int result = watch->file.fd < 0
                     ? hwm_open(engine->settings.directory, &watch->mark, &watch->file, &err)
                     : hwm_write(&watch->file, &watch->mark, &err);
    if (result == 0) {
        watch->written = watch->mark.commit;
        watch->has_failed = false;
    } else if (!watch->has_failed) {
        log_warning("%s; until it can be written, a loss of the newest writes is not noticed",
                    err.text);
        watch->has_failed = true;
    }
}

static bool must_end(struct engine_watch *watch)
{
    (void)pthread_mutex_lock(&watch->lock);
    bool ends = watch->ends;
    (void)pthread_mutex_unlock(&watch->lock);
    return ends;
}

static bool wait_a_while(struct engine_watch *watch)
{
    const struct timespec until = wait_deadline(WATCH_MS);

    (void)pthread_mutex_lock(&watch->lock);
    while (!watch->ends && pthread_cond_timedwait(&watch->ended, &watch->lock, &until) == 0) {
    }
    bool goes_on = !watch->ends;
    (void)pthread_mutex_unlock(&watch->lock);
    return goes_on;
}

static void look_at_files(struct engine *engine)
{
    struct err err;

    if (place_check(engine->settings.directory, &engine->watch.place, &err) != 0) {
        condition_worsen(engine, CONDITION_DETACHED, err.text);
        queue_wake(&engine->queue); /* what waits is answered */
    }
}

static void *watch_main(void *argument)
{
    struct engine *engine = argument;

    while (wait_a_while(&engine->watch)) {
        keep_mark(engine);
        look_at_files(engine);
    }
    return NULL;
}

/* ---- the whole database ---- */

/* Checks the whole database on a connection of its own; the store reports damage (on_damage). */
static void *check_main(void *argument)
{
    struct engine *engine = argument;
    struct err err = {0};

    int result = store_quick_check(engine->watch.checked, &err);
    if (condition_is_final(engine)) {
        queue_wake(&engine->queue);
    } else if (result != 0 && !must_end(&engine->watch)) {
        log_warning("the database was not checked: %s", err.text);
    }
    return NULL;
}

int watch_open(struct engine *engine, struct err *err)
{
    struct engine_watch *watch = &engine->watch;

    if (engine->settings.directory == NULL) {
        return 0;
    }
    store_mark(engine->store, &watch->mark);
    atomic_store(&watch->commit, watch->mark.commit);
    watch->written = watch->mark.commit;
    TRY(place_note(engine->settings.directory, &watch->place, err));
    if (hwm_open(engine->settings.directory, &watch->mark, &watch->file, err) == 0) {
        return 0;
    }
    if (err->code != ERR_STORAGE_FULL || store_accepted_loss(engine->store) != NULL) {
        return -1;
    }
    /* The mark of the last run stands, and the database has come as far as that: what is promised
     * of it holds, and nothing is written before there is space. A loss that is accepted begins an
     * epoch, which the mark must know. */
    watch->written = -1;
    watch->has_failed = true;
    condition_worsen(engine, CONDITION_FULL, "the disk of the data directory is full");
    return 0;
}

int watch_start(struct engine *engine, struct err *err)
{
    struct engine_watch *watch = &engine->watch;

    if (engine->settings.directory == NULL) {
        return 0;
    }
    TRY(thread_start(&watch->thread, watch_main, engine, err));
    watch->runs = true;
    TRY(store_open_reader(engine->store, &watch->checked, err));
    TRY(thread_start(&watch->checker, check_main, engine, err));
    watch->checks = true;
    return 0;
}

void watch_stop(struct engine *engine)
{
    struct engine_watch *watch = &engine->watch;

    if (!watch->runs) {
        return;
    }
    (void)pthread_mutex_lock(&watch->lock);
    watch->ends = true;
    (void)pthread_cond_signal(&watch->ended);
    if (watch->checked != NULL) {
        store_interrupt(watch->checked);
    }
    (void)pthread_mutex_unlock(&watch->lock);
    (void)pthread_join(watch->thread, NULL);
    watch->runs = false;
    if (watch->checks) {
        (void)pthread_join(watch->checker, NULL);
        watch->checks = false;
    }
    store_close(watch->checked);
    watch->checked = NULL;
}

void watch_close(struct engine *engine)
{
    if (engine->watch.file.fd >= 0) {
        watch_note_commit(engine);
        keep_mark(engine);
        hwm_close(&engine->watch.file);
    }
}

void watch_note_commit(struct engine *engine)
{
    struct hwm mark;

    store_mark(engine->store, &mark);
    atomic_store_explicit(&engine->watch.commit, mark.commit, memory_order_release);
}

#include "server/engine/backups.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "server/engine/parts.h"
#include "server/engine/thread.h"
#include "server/engine/wait.h"
#include "server/store/backup_directory.h"

#define LOOK_EVERY_MS 60000

struct backups {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t told;  /* CLOCK_MONOTONIC */
    struct backup_status status;
    atomic_bool ends;
    pthread_t thread;
    bool runs;
    bool has_looked; /* the thread's own, as the next */
    char wrong[512]; /* with the directory, at the last look; "": nothing */
};

/* ---- the folder ---- */

static void note_last(struct backups *backups, const struct backup_entry *last)
{
    (void)pthread_mutex_lock(&backups->lock);
    backups->status.last = *last;
    (void)pthread_mutex_unlock(&backups->lock);
}

int engine_backup_check(struct engine *engine, struct err *err)
{
    static const struct backup_entry none;
    const struct engine_settings *settings = &engine->settings;

    if (backup_directory_check(settings->backup_directory, settings->directory, err) == 0) {
        return 0;
    }
    if (err->code == ERR_WRONG_STATE) {
        note_last(engine->backups, &none);
    }
    return -1;
}

static int tell_passed_over(const struct engine *engine, const struct backup_entry *entry,
                            struct err *wrong)
{
    return entry->wrong[0] == '\0'
               ? err_set(wrong, ERR_WRONG_STATE,
                         "%s/%s.db is not counted: its time is in the future, so how old it is is "
                         "not known; set the clock right, and touch its .json",
                         engine->settings.backup_directory, entry->name)
               : err_set(wrong, ERR_WRONG_STATE,
                         "%.100s.db is not counted, and cannot be restored: %.300s; move it away, "
                         "or put its manifest back",
                         entry->name, entry->wrong);
}

/* *last ← the newest, one with at_ms 0 where there is none; `wrong` ← what a person should know.
 * One whose time lies ahead would pass for new for as long, and is left out. Without the lock: it
 * may take as long as a network's file system does. */
static int find_last(struct engine *engine, struct backup_entry *last, struct err *wrong)
{
    const struct clock *clock = clock_system();
    OWN(memory) struct backup_entry *list = NULL;
    size_t n = 0;
    size_t passed_over;

    *last = (struct backup_entry){.at_ms = 0};
    TRY(engine_backup_check(engine, wrong));
    TRY(backup_list_read(engine->settings.backup_directory, &list, &n, wrong));
    size_t newest = backup_list_newest(list, n, clock->wall_ms(clock), &passed_over);
    if (newest < n) {
        *last = list[newest];
    }
    return passed_over == n ? 0 : tell_passed_over(engine, &list[passed_over], wrong);
}

/* Logs a change since the last look, once. No request may come for days, so the log must say it. */
static void tell_change(struct backups *backups, const struct engine *engine,
                        const struct backup_entry *last, const char *wrong)
{
    const char *folder = engine->settings.backup_directory;

    if (backups->has_looked && strcmp(wrong, backups->wrong) == 0) {
        return;
    }
    if (wrong[0] != '\0') {
        log_warning("backups: %s", wrong);
    } else if (last->at_ms == 0) {
        log_info("backups go to %s, where there is none yet", folder);
    } else {
        log_info("backups go to %s, where the newest is %s", folder, last->name);
    }
    (void)snprintf(backups->wrong, sizeof backups->wrong, "%s", wrong);
    backups->has_looked = true;
}

static void look(struct engine *engine)
{
    struct backup_entry last;
    struct err wrong = {0};

    (void)find_last(engine, &last, &wrong); /* an alert about the last one tells, too */
    note_last(engine->backups, &last);
    tell_change(engine->backups, engine, &last, wrong.text);
}

/* ---- one backup ---- */

static bool is_over(void *context)
{
    struct backups *backups = context;

    return atomic_load(&backups->ends);
}

/* The first backup into a directory makes it known. What cannot be kept about it refuses none: a
 * data directory whose disk is full needs one most. */
static int prepare_directory(struct engine *engine, struct err *err)
{
    const struct engine_settings *settings = &engine->settings;
    char identity[STORE_IDENTITY_BYTES];
    struct err why;

    TRY(engine_backup_check(engine, err));
    TRY(backup_directory_usable(settings->backup_directory, settings->directory, err));
    TRY(backup_directory_mark(settings->backup_directory, identity, err));
    if (backup_directory_remember(settings->backup_directory, settings->directory, identity, &why)
        != 0) {
        log_warning("whether backups go to the same directory later cannot be told: %s", why.text);
    }
    return 0;
}

static int write_backup(struct engine *engine, const char *path, struct backup *made,
                        struct err *err)
{
    const struct backup_order order = {.directory = engine->settings.directory,
                                       .file = path,
                                       .is_over = is_over,
                                       .context = engine->backups};

    TRY(prepare_directory(engine, err));
    return store_backup_make(&order, made, err);
}

/* The place is free again. */
static void note_result(struct backups *backups, int result, int64_t took_us, const char *name,
                        const struct err *err)
{
    const struct clock *clock = clock_system();
    struct backup_status *status = &backups->status;

    (void)pthread_mutex_lock(&backups->lock);
    status->phase = BACKUP_IDLE;
    status->failed_name[0] = '\0';
    if (result == 0) {
        status->n_made++;
        status->made_us = took_us;
    } else {
        status->n_failed++;
        status->failed_at_ms = clock->wall_ms(clock);
        (void)snprintf(status->failed_name, sizeof status->failed_name, "%s", name);
        (void)snprintf(status->failure, sizeof status->failure, "%s", err->text);
    }
    (void)pthread_mutex_unlock(&backups->lock);
}

static void make(struct engine *engine, const char *name)
{
    char path[4096];
    int64_t began_us = clock_monotonic_us();
    struct backup made = {.bytes = 0};
    struct err err = {0};

    (void)snprintf(path, sizeof path, "%s/%s.db", engine->settings.backup_directory, name);
    int result = write_backup(engine, path, &made, &err);
    int64_t took_us = clock_monotonic_us() - began_us;
    look(engine);
    note_result(engine->backups, result, took_us, name, &err);
    if (result == 0) {
        log_info("backup %s: %" PRId64 " bytes, up to commit %" PRId64 ", checked", path,
                 made.bytes, made.mark.commit);
    } else {
        log_error("backup %s: %s", path, err.text);
    }
}

/* ---- the thread ---- */

/* True: `name` is to be made. */
static bool await_order(struct backups *backups, char name[BACKUP_NAME_BYTES])
{
    const struct timespec until = wait_deadline(LOOK_EVERY_MS);
    struct backup_status *status = &backups->status;

    (void)pthread_mutex_lock(&backups->lock);
    while (!atomic_load(&backups->ends) && status->phase != BACKUP_WRITING
           && pthread_cond_timedwait(&backups->told, &backups->lock, &until) == 0) {
    }
    bool is_ordered = status->phase == BACKUP_WRITING && !atomic_load(&backups->ends);
    (void)snprintf(name, BACKUP_NAME_BYTES, "%s", status->name);
    (void)pthread_mutex_unlock(&backups->lock);
    return is_ordered;
}

/* From the right directory alone. */
static void remove_left(struct engine *engine)
{
    struct err ignored; /* look() tells */
    size_t n_left = engine_backup_check(engine, &ignored) == 0
                        ? store_backup_remove_left(engine->settings.backup_directory)
                        : 0;

    if (n_left > 0) {
        log_info("%s: removed %zu unfinished, of backups that were cut short",
                 engine->settings.backup_directory, n_left);
    }
}

static void *backups_main(void *argument)
{
    struct engine *engine = argument;
    char name[BACKUP_NAME_BYTES];

    remove_left(engine);
    look(engine);
    while (!atomic_load(&engine->backups->ends)) {
        if (await_order(engine->backups, name)) {
            make(engine, name);
        } else {
            look(engine);
        }
    }
    return NULL;
}

/* A disk that was there before is no reason not to serve, also where the directory below it belongs
 * to another user; a path that never was may be mistyped. */
static bool is_missing(const struct engine_settings *settings)
{
    return access(settings->backup_directory, R_OK | W_OK | X_OK) != 0
           && backup_directory_was_used(settings->backup_directory, settings->directory);
}

int backups_open(struct engine *engine, struct err *err)
{
    const struct engine_settings *settings = &engine->settings;

    if (settings->backup_directory == NULL) {
        return 0;
    }
    if (settings->directory == NULL) {
        return err_set(err, ERR_INVALID, "--backup-directory: a store in memory has no backup");
    }
    if (backup_directory_usable(settings->backup_directory, settings->directory, err) != 0) {
        if (!is_missing(settings)) {
            return -1;
        }
        log_warning("%s; until it is, no backups are made", err->text);
    }
    engine->backups = calloc(1, sizeof *engine->backups);
    if (engine->backups == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    (void)pthread_mutex_init(&engine->backups->lock, NULL);
    wait_condition_init(&engine->backups->told);
    return 0;
}

int backups_start(struct engine *engine, struct err *err)
{
    struct backups *backups = engine->backups;

    if (backups == NULL) {
        return 0;
    }
    TRY(thread_start(&backups->thread, backups_main, engine, err));
    backups->runs = true;
    return 0;
}

void backups_stop(struct engine *engine)
{
    struct backups *backups = engine->backups;

    if (backups == NULL || !backups->runs) {
        return;
    }
    (void)pthread_mutex_lock(&backups->lock);
    atomic_store(&backups->ends, true);
    (void)pthread_cond_signal(&backups->told);
    (void)pthread_mutex_unlock(&backups->lock);
    (void)pthread_join(backups->thread, NULL);
    backups->runs = false;
}

void backups_close(struct engine *engine)
{
    if (engine->backups != NULL) {
        (void)pthread_cond_destroy(&engine->backups->told);
        (void)pthread_mutex_destroy(&engine->backups->lock);
        free(engine->backups);
        engine->backups = NULL;
    }
}

/* ---- for requests ---- */

const char *engine_backup_directory(const struct engine *engine)
{
    return engine->backups == NULL ? NULL : engine->settings.backup_directory;
}

int engine_backup_order(struct engine *engine, const char *name, struct backup_status *status,
                        struct err *err)
{
    struct backups *backups = engine->backups;

    (void)pthread_mutex_lock(&backups->lock);
    bool is_free = backups->status.phase == BACKUP_IDLE;
    if (is_free) {
        backups->status.phase = BACKUP_ORDERED;
        (void)snprintf(backups->status.name, sizeof backups->status.name, "%s", name);
    }
    *status = backups->status;
    (void)pthread_mutex_unlock(&backups->lock);
    return is_free ? 0
                   : err_set(err, ERR_WRONG_STATE,
                             "the backup \"%s\" is being made, and one is made at a time; repeat "
                             "when it is done",
                             status->name);
}

void engine_backup_decide(struct engine *engine, bool begins)
{
    struct backups *backups = engine->backups;

    (void)pthread_mutex_lock(&backups->lock);
    backups->status.phase = begins ? BACKUP_WRITING : BACKUP_IDLE;
    (void)pthread_cond_signal(&backups->told);
    (void)pthread_mutex_unlock(&backups->lock);
}

void engine_backup_status(struct engine *engine, struct backup_status *status)
{
    (void)pthread_mutex_lock(&engine->backups->lock);
    *status = engine->backups->status;
    (void)pthread_mutex_unlock(&engine->backups->lock);
}

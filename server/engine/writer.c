#include "server/engine/writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/log.h"
#include "common/planted.h"
#include "server/engine/condition.h"
#include "server/engine/parts.h"
#include "server/engine/token_uses.h"
#include "server/engine/watch.h"
#include "server/store/tokens.h"

#define STALL_MS 1000 /* standing still for longer gives every lease its time back */
#define WATCH_EVERY_MS 1000

int64_t real_ms(void)
{
    const struct clock *clock = clock_system();

    return clock->monotonic_ms(clock);
}

/* ---- views ---- */

int64_t view_interval_ms(int64_t took_us)
{
    int64_t fair_ms = took_us * VIEW_SHARE / 1000;

    if (fair_ms < VIEW_EVERY_MS) {
        return VIEW_EVERY_MS;
    }
    return fair_ms < VIEW_EVERY_MOST_MS ? fair_ms : VIEW_EVERY_MOST_MS;
}

void view_publish(struct engine *engine)
{
    int64_t before_us = clock_monotonic_us();
    struct live_view *view;
    struct err err;

    atomic_store(&engine->view_is_wanted, false);
    if (tuning_view(engine->tuning, &view, &err) != 0) {
        return; /* out of memory: the old one stays */
    }
    (void)pthread_mutex_lock(&engine->view_lock);
    struct live_view *old = engine->view;
    engine->view = view;
    engine->view_number++;
    engine->view_made_ms = real_ms();
    engine->view_is_old = false;
    (void)pthread_cond_broadcast(&engine->view_changed);
    (void)pthread_mutex_unlock(&engine->view_lock);
    live_view_release(old);
    engine->view_interval_ms = view_interval_ms(clock_monotonic_us() - before_us);
}

static bool view_is_due(const struct engine *engine)
{
    return atomic_load(&engine->view_is_wanted)
           || (engine->view_is_old && real_ms() - engine->view_made_ms >= engine->view_interval_ms);
}

/* ---- one group ---- */

struct token_list {
    struct token_row *items;
    size_t n, cap;
};

static int keep_token(void *context, const struct token_row *row, struct err *err)
{
    struct token_list *list = context;

    TRY(array_reserve(&list->items, list->n, &list->cap, sizeof *list->items, err));
    list->items[list->n++] = *row;
    return 0;
}

void tokens_publish(struct engine *engine)
{
    struct token_list list = {0};
    struct err err;
    bool has_failed = store_each_token(engine->store, keep_token, &list, &err) != 0;

    if (has_failed) {
        log_error("cannot read the tokens, so none is valid until that succeeds: %s", err.text);
        list.n = 0; /* rather than one that was revoked */
    }
    engine->settings.tokens(engine->settings.context, list.items, list.n);
    engine->tokens_changed = has_failed;
    free(list.items);
}

/* What the group changed for others is published before its answers leave. */
static void publish(struct engine *engine)
{
    if (engine->tokens_changed) {
        tokens_publish(engine);
    }
    engine->view_is_old = true;
    if (tuning_studies_changed(engine->tuning) || view_is_due(engine)) {
        view_publish(engine);
    }
    int64_t seq = tuning_last_seq(engine->tuning);
    if (seq != engine->seq_told) {
        engine->seq_told = seq;
        engine->settings.events(engine->settings.context, seq);
    }
}

static void deliver(struct engine *engine)
{
    struct command *batch[256];
    size_t n = 0;
    struct command *command;

    engine->answered = 0;

    while ((command = tuning_take_done(engine->tuning)) != NULL) {
        atomic_fetch_add(&engine->granted,
                         command->kind == COMMAND_ASK && as_ask(command)->out.granted);
        batch[n++] = command;
        engine->answered++;
        if (n == sizeof batch / sizeof batch[0]) {
            engine->settings.deliver(engine->settings.context, batch, n);
            n = 0;
        }
    }
    if (n > 0) {
        engine->settings.deliver(engine->settings.context, batch, n);
    }
}

/* The group cannot be kept. Nothing of it is on disk: its clients are answered so, and the live
 * state is read again. */
static void give_up_group(struct engine *engine, struct command *rest, struct err *why)
{
    struct err err;

    store_group_rollback(engine->store);
    if (why->code == ERR_STORAGE_FULL) {
        condition_worsen(engine, CONDITION_FULL, "the disk of the data directory is full");
    } else if (condition_is_final(engine)) {
        condition_tell(engine, why); /* which was logged */
    } else if (why->code == ERR_IO || why->code == ERR_NOMEM) {
        log_error("a group of writes failed and was undone: %s", why->text);
        why->code = why->code == ERR_IO ? ERR_READ_ONLY : ERR_OVERLOADED;
    }
    while (rest != NULL) {
        struct command *next = rest->next;
        tuning_refuse(engine->tuning, rest, why);
        rest = next;
    }
    if (!PLANTED(FAILED_GROUP_ACK)) {
        tuning_fail_group(engine->tuning, why);
    }
    if (condition_is_final(engine)) {
        return; /* nothing is decided any more, and reading the state might fail */
    }
    if (tuning_load(engine->tuning, &err) != 0) {
        if (condition_is_final(engine)) {
            return;
        }
        log_error("cannot read the state back: %s", err.text);
        abort();
    }
}

/* A commit has failed. Where another server has written, only reads are served from now on; where
 * the group may be on disk all the same, no answer may leave. */
static void note_failed_commit(struct engine *engine, const struct err *err)
{
    if (err->code == ERR_WRONG_STATE) {
        condition_worsen(engine, CONDITION_DETACHED, err->text);
    }
    if (err->code == ERR_IO && !condition_is_final(engine)) {
        log_error("a commit failed, what is on disk is unknown: %s", err->text);
        abort();
    }
}

static int commit(struct engine *engine, struct err *err)
{
    if (!store_group_is_dirty(engine->store)) {
        return store_group_commit(engine->store, err);
    }
    int64_t before_us = clock_monotonic_us();
    if (PLANTED(EARLY_ACK)) {
        deliver(engine);
    }
    if (store_group_commit(engine->store, err) != 0) {
        note_failed_commit(engine, err);
        return -1;
    }
    atomic_store(&engine->last_commit_us, clock_monotonic_us() - before_us);
    histogram_add(&engine->commit_durations, atomic_load(&engine->last_commit_us));
    atomic_fetch_add(&engine->commits, 1);
    watch_note_commit(engine);
    return 0;
}

/* Only reads are served: what came before that was known, and what waits, is answered so. */
static void refuse_group(struct engine *engine, struct command *first)
{
    struct err why = {0};

    condition_tell(engine, &why);
    while (first != NULL) {
        struct command *next = first->next;
        tuning_refuse(engine->tuning, first, &why);
        first = next;
    }
    tuning_refuse_waiting(engine->tuning, &why);
    deliver(engine);
}

static bool is_full(const struct engine *engine)
{
    return atomic_load_explicit(&engine->condition, memory_order_relaxed) == CONDITION_FULL;
}

/* A disk that was full is written to although there may be nothing to write: so it is noticed that
 * there is space again, and not only for the smallest of writes. What the log holds goes into the
 * database first, where that need not grow: then the log is written anew from its beginning. */
static bool is_still_full(struct engine *engine)
{
    struct err err = {0};

    if (!is_full(engine)) {
        return false;
    }
    if (real_ms() - engine->probed_ms < WATCH_EVERY_MS) {
        return true;
    }
    engine->probed_ms = real_ms();
    store_checkpoint(engine->store, false);
    if (store_probe_space(engine->store, &err) != 0) {
        note_failed_commit(engine, &err);
        return true;
    }
    condition_has_space(engine);
    return false;
}

static int end_group(struct engine *engine, struct err *err)
{
    engine->token_uses_before_ms = 0; /* of the group before */
    TRY(tuning_settle(engine->tuning, err));
    engine->tokens_changed |= tuning_tokens_changed(engine->tuning);
    TRY(token_uses_keep(engine, err));
    return commit(engine, err);
}

static void run_group(struct engine *engine, struct command *first)
{
    struct err err = {0};
    size_t n = 0;

    if (condition_is_final(engine)) {
        refuse_group(engine, first);
        return;
    }
    if (is_still_full(engine) && first == NULL) {
        return; /* what time brings could not be written */
    }
    store_group_begin(engine->store);
    while (first != NULL) {
        struct command *command = first;
        first = command->next;
        n++;
        if (tuning_apply(engine->tuning, command, &err) != 0) {
            give_up_group(engine, first, &err);
            deliver(engine);
            return;
        }
    }
    if (end_group(engine, &err) != 0) {
        token_uses_undone(engine);
        give_up_group(engine, NULL, &err);
        deliver(engine);
        return;
    }
    atomic_fetch_add(&engine->groups, 1);
    atomic_fetch_add(&engine->commands, n);
    atomic_fetch_add(&engine->expired, tuning_take_expired(engine->tuning));
    publish(engine);
    deliver(engine);
    struct suggestion_job *job;
    while ((job = tuning_take_job(engine->tuning)) != NULL) {
        optimisers_push(&engine->optimisers, job);
    }
}

/* ---- the loop ---- */

/* Groups form by themselves while the disk is quick. When a sync takes long, clients fall into two
 * halves that take turns: one waits for the other's sync. So a slow commit is worth waiting for
 * those who were just answered, for at most half its own time, and only while they do come back. */
#define SLOW_COMMIT_US 900
#define PROBE_EVERY 64

static void gather(struct engine *engine)
{
    int64_t commit_us = atomic_load(&engine->last_commit_us);
    size_t queued = queue_length(&engine->queue);
    size_t answered = engine->answered;

    if (commit_us < SLOW_COMMIT_US || queued == 0 || answered < 2
        || (engine->gain < 0.5 && ++engine->probe < PROBE_EVERY)) {
        return;
    }
    engine->probe = 0;
    int64_t wait_us = commit_us / 2 < 20000 ? commit_us / 2 : 20000;
    size_t came = queue_await(&engine->queue, queued + answered - answered / 4, wait_us) - queued;
    double gain = (double)came / (double)answered;
    engine->gain += (gain - engine->gain) / 4;
}

/* When to wake without a command, in real milliseconds. */
static int64_t next_wake(const struct engine *engine, int64_t now_ms)
{
    const struct clock *clock = engine->settings.clock;
    int64_t next = tuning_next_ms(engine->tuning);
    int64_t wake = INT64_MAX;

    if (is_full(engine)) {
        return now_ms + WATCH_EVERY_MS;
    }
    if (next != INT64_MAX) {
        double left = (double)(next - clock->monotonic_ms(clock)) / engine->settings.clock_scale;
        wake = now_ms + (left > 0 ? (int64_t)left + 1 : 0);
        if (wake > now_ms + WATCH_EVERY_MS) {
            wake = now_ms + WATCH_EVERY_MS; /* so that a stall is noticed */
        }
    }
    if (wake > token_uses_due_ms(engine)) {
        wake = token_uses_due_ms(engine);
    }
    if (engine->view_is_old && wake > engine->view_made_ms + engine->view_interval_ms) {
        wake = engine->view_made_ms + engine->view_interval_ms;
    }
    bool must_look = engine->settings.idle_exit_ms > 0 || engine->tokens_changed;
    if (must_look && wake > now_ms + WATCH_EVERY_MS) {
        wake = now_ms + WATCH_EVERY_MS;
    }
    return wake;
}

static void check_idle(struct engine *engine, int64_t now_ms)
{
    if (engine->settings.idle_exit_ms <= 0) {
        return;
    }
    if (!tuning_is_idle(engine->tuning)) {
        atomic_store(&engine->last_use_ms, now_ms);
    } else if (now_ms - atomic_load(&engine->last_use_ms) >= engine->settings.idle_exit_ms) {
        atomic_store(&engine->last_use_ms, now_ms);
        engine->settings.on_idle(engine->settings.context);
    }
}

static void forgive_stall(struct engine *engine, int64_t stalled_ms)
{
    if (stalled_ms > STALL_MS) {
        log_warning("stood still for %" PRId64 " ms; every lease gets it back", stalled_ms);
        tuning_forgive(engine->tuning,
                       (int64_t)((double)stalled_ms * engine->settings.clock_scale));
    }
}

void *writer_main(void *argument)
{
    struct engine *engine = argument;
    bool told_to_stop = false;

    for (;;) {
        int64_t before_ms = real_ms();
        int64_t wake_ms = next_wake(engine, before_ms);
        gather(engine);
        struct command *first = queue_drain(&engine->queue, engine->settings.group_max, wake_ms);
        int64_t now_ms = real_ms();
        forgive_stall(engine, now_ms - wake_ms);
        if (atomic_load(&engine->stopping)) {
            if (told_to_stop && first == NULL) {
                break;
            }
            tuning_stop_granting(engine->tuning);
            told_to_stop = true;
        }
        run_group(engine, first);
        forgive_stall(engine, real_ms() - now_ms);
        if (view_is_due(engine) && !condition_is_final(engine)) {
            view_publish(engine);
        }
        if (engine->tokens_changed) {
            tokens_publish(engine); /* could not be read before */
        }
        check_idle(engine, now_ms);
    }
    return NULL;
}

/* The engine: every thread beside the loop lives here.
 *
 * One writer thread owns the only read-write connection and the live state (tuning/). It drains
 * the queue into a group, applies it, settles, commits once, and hands the whole batch back. Groups
 * form by themselves; before a slow commit it gathers (writer.c). A pool of readers serves what
 * only reads. After a failed COMMIT with an I/O error it is unknown what is on disk: the process
 * aborts and recovers at its next start, clients repeat with the same keys. */
#ifndef SERVER_ENGINE_ENGINE_H
#define SERVER_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/err.h"
#include "server/engine/settings.h"
#include "server/store/tokens.h"
#include "server/tuning/tuning.h"

struct engine;
struct histogram;

/* Opens the store, loads, but starts no thread. */
MUST_USE int engine_create(const struct engine_settings *settings, struct engine **engine,
                           struct err *err);
/* Before the start only. Is there a token with this scope bit? `usable`: only one that is neither
 * revoked nor expired counts. */
bool engine_has_token(const struct engine *engine, unsigned scope, bool usable);
/* Before the start only: stores the token. */
MUST_USE int engine_add_token(struct engine *engine, struct token_row *row, struct err *err);
/* The callbacks may come from here on. */
MUST_USE int engine_start(struct engine *engine, struct err *err);
/* Orderly: grants nothing more, answers the waiting, drains for at most `drain_ms`, joins its
 * threads, checkpoints. Callbacks still come meanwhile. */
void engine_stop(struct engine *engine, int64_t drain_ms);
/* After engine_stop(), or without a start. Accepts NULL. */
void engine_destroy(struct engine *engine);

/* Queues; takes the command on success. Any thread. ERR_OVERLOADED: the queue is full, or for asks
 * three quarters full; ERR_READ_ONLY: the database is damaged and only reads are served. */
MUST_USE int engine_submit(struct engine *engine, struct command *command, struct err *err);

/* Runs `job` on a reader thread with a read-only connection. Any thread. ERR_OVERLOADED. */
MUST_USE int engine_read(struct engine *engine, void (*job)(void *argument, struct store *reader),
                         void *argument, struct err *err);

/* Runs the job of a request on the optimiser threads; takes it on success. Any thread.
 * ERR_OVERLOADED. */
struct request_job;
MUST_USE int engine_think(struct engine *engine, struct request_job *job, struct err *err);

/* The newest live view, held: live_view_release() it. At most 100 ms old, and never older than
 * the last change to the set of studies that was acknowledged. Any thread. */
struct live_view *engine_view(struct engine *engine);
/* The same with all that was answered until now, and the time as it is: waits for the writer, at
 * most 200 ms. For reader threads. */
struct live_view *engine_view_now(struct engine *engine);

/* Whether the database was found damaged, or its files removed, and only reads are served until the
 * next start. Any thread. */
bool engine_is_read_only(const struct engine *engine);
/* Can it write? ERR_READ_ONLY: as above; ERR_STORAGE_FULL: not until there is space. Any thread. */
MUST_USE int engine_check_writes(const struct engine *engine, struct err *err);

struct engine_stats {
    uint64_t groups, commands, commits;
    uint64_t leases_granted, leases_expired;
    size_t queue_length;
    int64_t last_commit_us;
    /* Borrowed; they live as long as the engine. */
    const struct histogram *commit_durations, *suggest_durations;
};
/* *stats ← the counters since the start. Any thread. */
void engine_stats(struct engine *engine, struct engine_stats *stats);

#endif

/* A server without sockets and threads: the real tuning/, schedules and store, a clock that
 * the test sets, secrets from a seed. A test is all its workers, in one thread, so that a seed or a
 * scenario gives the same history every time.
 *
 * A group of commands goes through as in the engine: begin, apply each, settle, commit, answers.
 * Commands whose answers are out come to `answered`, which owns them; an ask that waits comes with
 * a later group. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "common/rng.h"
#include "server/store/store.h"
#include "server/tuning/tuning.h"
#include "tests/support/clock_manual.h"

struct world {
    struct clock_manual clock;
    struct rng secrets;
    const char *directory; /* NULL: the store is in memory */
    struct store *store;
    struct tuning *tuning;
    /* how long asks and reports wait for a job; from the next start on */
    int64_t suggestion_timeout_ms;
    bool holds_jobs; /* until world_run_jobs(); else they are done at once */
    /* The k-th statement from now on fails; has it? NULL: none does. Else each statement of what
     * time brings fails once, and then it comes again. */
    void (*fail_at)(size_t k);
    bool (*has_failed)(void);
    void (*refused)(void *context, const struct command *command);
    void (*answered)(void *context, struct command *command); /* owns the command */
    void *context;
};

#define WORLD_GRACE_MS 120000

/* An empty server at monotonic 0. */
MUST_USE int world_open(struct world *world, uint64_t seed, struct err *err);
/* The same, with its store in files of an empty directory, whose name outlives the world. */
MUST_USE int world_open_in(struct world *world, const char *directory, uint64_t seed,
                           struct err *err);
void world_finish(struct world *world);
OWN_VALUE(world)

/* One group; takes the commands. n may be 0: only what time brings. */
MUST_USE int world_group(struct world *world, struct command *commands[], size_t n,
                         struct err *err);
/* One command alone. */
MUST_USE int world_do(struct world *world, struct command *command, struct err *err);
/* As a kill between the work and the commit: the group leaves no trace and is not answered; the
 * memory is gone and read anew. */
MUST_USE int world_crash(struct world *world, struct command *commands[], size_t n,
                         struct err *err);
/* One group whose k-th statement fails. It is undone as the engine does it; commands that are
 * answered with the error come to `refused`, and an ask may wait all the same. With fewer
 * statements than k the group is carried out, and *has_failed is false. */
MUST_USE int world_fail(struct world *world, struct command *commands[], size_t n, size_t k,
                        bool *has_failed, struct err *err);
/* As a kill between two groups. Waiting asks are never answered. */
MUST_USE int world_restart(struct world *world, struct err *err);
/* As the start after honed --restore, of files that are as they were: a new epoch begins. */
MUST_USE int world_restore(struct world *world, struct err *err);
/* Runs the jobs that were held back. */
MUST_USE int world_run_jobs(struct world *world, struct err *err);
/* Lets time pass up to `now_ms`, stopping wherever the server has something to do. */
MUST_USE int world_advance(struct world *world, int64_t now_ms, struct err *err);

/* ---- commands, as api/ would make them ---- */

/* A JSON text as body; NULL where it may be left out. NULL: a faulty body (printed to stderr). */
struct command *world_create_study(const char *body);
struct command *world_patch_study(const char *study, const char *body);
struct command *world_delete_study(const char *study, bool force);
struct command *world_add_trials(const char *study, const char *body, const char *key);
struct command *world_cancel_trial(const char *study, int64_t trial);
/* Trial 0: all that failed. */
struct command *world_retry_trials(const char *study, int64_t trial);
/* study "": from any. */
struct command *world_ask(const char *study, const char *body);
struct command *world_measure(const char *lease, const char *body);
struct command *world_heartbeat(const char *lease);
struct command *world_result(const char *lease, const char *body);
struct command *world_release(const char *lease);
/* `drain`: else it is resumed. */
struct command *world_set_worker(const char *worker, bool drain);

#endif

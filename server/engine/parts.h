/* The parts of the engine, for the files of this folder. */
#ifndef SERVER_ENGINE_PARTS_H
#define SERVER_ENGINE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/engine/engine.h"

#define QUEUE_COMMANDS_MAX 4096
#define QUEUE_BYTES_MAX (64u << 20)
#define JOBS_MAX 4096
#define READERS_MAX 16

/* ---- the queue between loop and writer (queue.c) ---- */
struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct command *first, **tail;
    size_t n, bytes;
    size_t wanted; /* wake the writer at this length; 0: at the first command */
    bool closed;   /* takes no more */
    bool woken;
};
void queue_init(struct queue *queue);
void queue_finish(struct queue *queue);
MUST_USE int queue_push(struct queue *queue, struct command *command, struct err *err);
/* Everything that is queued, at most `max` (0: all); waits until `deadline_ms` (CLOCK_MONOTONIC)
 * when there is nothing. NULL: nothing came. */
struct command *queue_drain(struct queue *queue, size_t max, int64_t deadline_ms);
/* Waits until `n` commands are queued, or `us` microseconds have passed; says how many there are.
 */
size_t queue_await(struct queue *queue, size_t n, int64_t us);
void queue_close(struct queue *queue);
void queue_wake(struct queue *queue);
size_t queue_length(struct queue *queue);

/* ---- the pool of readers (readers.c) ---- */
struct job {
    void (*run)(void *argument, struct store *reader);
    void *argument;
    struct job *next;
};
struct readers {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct job *first, **tail;
    size_t n_jobs;
    bool closed;
    size_t n;
    pthread_t threads[READERS_MAX];
    struct store *stores[READERS_MAX];
    size_t next_store; /* handed to the threads as they start */
};
MUST_USE int readers_start(struct readers *readers, const struct store *writer, size_t n,
                           struct err *err);
MUST_USE int readers_push(struct readers *readers, void (*run)(void *argument, struct store *),
                          void *argument, struct err *err);
/* Runs what is queued, then joins. */
void readers_stop(struct readers *readers);

/* ---- optimisers (optimisers.c) ---- */
#define OPTIMISERS_MAX 64
struct optimisers {
    struct queue *queue; /* where answers go */
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct suggestion_job *first, **tail;
    bool closed;
    size_t n;
    pthread_t threads[OPTIMISERS_MAX];
};
MUST_USE int optimisers_start(struct optimisers *optimisers, struct queue *queue, size_t n,
                              struct err *err);
void optimisers_push(struct optimisers *optimisers, struct suggestion_job *job);
/* Joins; what was not begun is dropped. */
void optimisers_stop(struct optimisers *optimisers);

struct engine {
    struct engine_settings settings;
    int lock_fd; /* of the data directory; -1 in memory */
    struct store *store;
    struct tuning *tuning;
    struct queue queue;
    struct readers readers;
    bool readers_run;
    struct optimisers optimisers;
    bool optimisers_run;
    pthread_t writer;
    bool writer_runs;
    atomic_bool stopping;
    atomic_bool read_only;
    atomic_llong last_use_ms; /* real monotonic: the last request of any kind */
    pthread_mutex_t view_lock;
    struct live_view *view;
    int64_t view_made_ms; /* real monotonic */
    bool view_is_old;
    int64_t seq_told;
    size_t answered; /* by the last group */
    double gain;     /* how many of those came back while the writer waited, smoothed */
    unsigned probe;  /* groups since it last waited */
    atomic_ullong groups, commands, commits, granted;
    atomic_llong last_commit_us;
};

/* writer.c */
void *writer_main(void *engine);
/* Tells the loop which tokens are valid. */
void tokens_publish(struct engine *engine);
void view_publish(struct engine *engine);
int64_t real_ms(void);

#endif

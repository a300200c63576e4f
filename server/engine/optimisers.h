/* Threads that run what takes longer than microseconds on snapshots, and bring the results back to
 * the writer as commands. */
#ifndef SERVER_ENGINE_OPTIMISERS_H
#define SERVER_ENGINE_OPTIMISERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "server/engine/queue.h"
#include "server/suggester/suggester.h"

#define OPTIMISERS_MAX 64

struct histogram;

struct optimisers {
    struct queue *queue; /* where results go */
    struct histogram *suggest_durations;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct suggestion_job *first, **tail;
    bool closed;
    atomic_bool stopping; /* what runs is of no use any more */
    size_t n;
    pthread_t threads[OPTIMISERS_MAX];
};

/* Starts `n` threads (at most OPTIMISERS_MAX); the queue must outlive them, and the histogram of
 * how long suggestions take. ERR_IO: a thread cannot be started; nothing is left to stop. */
MUST_USE int optimisers_start(struct optimisers *optimisers, struct queue *queue,
                              struct histogram *suggest_durations, size_t n, struct err *err);
/* Queues a job, whose `next` is NULL; takes it. Any thread. */
void optimisers_push(struct optimisers *optimisers, struct suggestion_job *job);
/* Asks the jobs that run to end, and joins the threads; no result is brought back any more, and
 * jobs that were not begun are dropped. */
void optimisers_stop(struct optimisers *optimisers);

#endif

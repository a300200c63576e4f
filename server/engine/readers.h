/* A pool of threads, each with a read-only connection, for everything that only reads. */
#ifndef SERVER_ENGINE_READERS_H
#define SERVER_ENGINE_READERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "server/store/store.h"

#define JOBS_MAX 4096
#define READERS_MAX 16

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

/* Opens `n` connections (at most READERS_MAX) beside that of the writer, and starts as many
 * threads. ERR_OVERLOADED: a thread cannot be started; the errors of store_open_reader(). After an
 * error nothing is left to stop. */
MUST_USE int readers_start(struct readers *readers, const struct store *writer, size_t n,
                           struct err *err);
/* Queues a job, which runs on one of the threads. Any thread. ERR_OVERLOADED: JOBS_MAX wait, the
 * pool stops, or there is no memory. */
MUST_USE int readers_push(struct readers *readers, void (*run)(void *argument, struct store *),
                          void *argument, struct err *err);
/* Runs what is queued, then joins the threads and closes their connections. readers_push() may
 * still be called, and refuses: a request that waited ends only after this. */
void readers_stop(struct readers *readers);
/* After the last call of all; a zeroed pool is accepted. */
void readers_finish(struct readers *readers);

#endif

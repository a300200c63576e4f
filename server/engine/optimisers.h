/* Threads that run what takes longer than microseconds: the jobs of studies, on snapshots, whose
 * results come back to the writer as commands; and the jobs of requests, which store nothing.
 *
 * One thread is always left to the jobs of studies, so that none of these waits for a request. On
 * the others the jobs of studies go first; where both wait, every fourth job is a step of a
 * request's. The job of a request takes turns with the others for its first steps, so that a short
 * one is soon done. What is longer then waits until the longer ones before it are done: were all to
 * take turns to their end, too many of them would all be late. Where both kinds wait, they
 * alternate. */
#ifndef SERVER_ENGINE_OPTIMISERS_H
#define SERVER_ENGINE_OPTIMISERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "server/engine/queue.h"
#include "server/suggester/suggester.h"

#define OPTIMISERS_MAX 64
#define REQUEST_JOBS_MAX 64                   /* that wait or run */
#define REQUEST_JOBS_BYTES ((size_t)64 << 20) /* of their bodies */
#define STUDY_JOBS_IN_ROW 3
#define REQUEST_STEPS_SHORT 4 /* of a request that is short */

/* What a request waits for, in steps of up to some 100 ms. */
struct request_job {
    struct request_job *next;
    unsigned n_steps; /* that were run; 0 at first */
    size_t bytes;     /* of its body */
    /* The next step; true: another one follows. Any optimiser thread, one at a time. */
    bool (*step)(struct request_job *job, const atomic_bool *stop);
    /* Takes the job after its last step; `why` (or NULL): the server stops, and it is not done. */
    void (*end)(struct request_job *job, const struct err *why);
};

struct request_queue {
    struct request_job *first, **tail;
};

struct histogram;

struct optimisers {
    struct queue *queue; /* where results go */
    struct histogram *suggest_durations;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct suggestion_job *first, **tail;
    size_t n_studying, studying_max;   /* threads with a job of a study: now, and at most */
    size_t n_answering, answering_max; /* with one of a request */
    unsigned in_row;                   /* jobs of studies since the last of a request */
    struct request_queue short_requests, long_requests;
    bool was_short;    /* the last step of a request */
    size_t n_requests; /* those that run, too */
    size_t request_bytes;
    bool closed;
    atomic_bool stopping; /* what runs is of no use any more */
    size_t n;
    pthread_t threads[OPTIMISERS_MAX];
};

/* Starts threads for `n` jobs of studies at a time (at most OPTIMISERS_MAX), at least two; the
 * queue must outlive them, and the histogram of how long suggestions take. ERR_OVERLOADED: a thread
 * cannot be started; nothing is left to stop. */
MUST_USE int optimisers_start(struct optimisers *optimisers, struct queue *queue,
                              struct histogram *suggest_durations, size_t n, struct err *err);
/* Queues a job, whose `next` is NULL; takes it. Any thread. */
void optimisers_push(struct optimisers *optimisers, struct suggestion_job *job);
/* Queues the job of a request; takes it on success. Any thread. ERR_OVERLOADED: too many wait, or
 * the threads stop. */
MUST_USE int optimisers_push_request(struct optimisers *optimisers, struct request_job *job,
                                     struct err *err);
/* Asks the jobs that run to end, and joins the threads; no result is brought back any more, and
 * jobs that were not begun are dropped. Those of requests are ended. More of these may still be
 * pushed, and are refused. */
void optimisers_stop(struct optimisers *optimisers);
/* After the last call of all; accepts what was zeroed. */
void optimisers_finish(struct optimisers *optimisers);

#endif

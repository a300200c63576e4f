#include "server/engine/optimisers.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/histogram.h"
#include "common/log.h"
#include "common/stop.h"

static struct suggestion_job *next_job(struct optimisers *optimisers)
{
    (void)pthread_mutex_lock(&optimisers->lock);
    while (optimisers->first == NULL && !optimisers->closed) {
        (void)pthread_cond_wait(&optimisers->filled, &optimisers->lock);
    }
    struct suggestion_job *job = optimisers->closed ? NULL : optimisers->first;
    if (job != NULL) {
        optimisers->first = job->next;
        if (optimisers->first == NULL) {
            optimisers->tail = &optimisers->first;
        }
        job->next = NULL;
    }
    (void)pthread_mutex_unlock(&optimisers->lock);
    return job;
}

/* The queue always has room for an answer; only a server that stops refuses it. */
static void bring_back(struct optimisers *optimisers, struct suggestion_job *job)
{
    struct command *command = command_create(COMMAND_SUGGESTION);
    struct err err;

    if (command == NULL) {
        log_error("out of memory: a suggestion was lost");
        suggestion_job_destroy(job);
        return;
    }
    as_suggestion(command)->in.job = job;
    if (queue_push(optimisers->queue, command, &err) != 0) {
        command_destroy(command);
    }
}

static void run_job(struct optimisers *optimisers, struct suggestion_job *job)
{
    int64_t began_us = clock_monotonic_us();

    suggestion_job_run(job, &optimisers->stopping);
    if (job->trial == 0) { /* not a forecast */
        histogram_add(optimisers->suggest_durations, clock_monotonic_us() - began_us);
    }
}

static void *optimiser_main(void *argument)
{
    struct optimisers *optimisers = argument;
    struct suggestion_job *job;

    while ((job = next_job(optimisers)) != NULL) {
        run_job(optimisers, job);
        if (stop_is_asked(&optimisers->stopping)) { /* it may have ended before it was done */
            suggestion_job_destroy(job);
        } else {
            bring_back(optimisers, job);
        }
    }
    return NULL;
}

int optimisers_start(struct optimisers *optimisers, struct queue *queue,
                     struct histogram *suggest_durations, size_t n, struct err *err)
{
    *optimisers = (struct optimisers){.queue = queue, .suggest_durations = suggest_durations};
    optimisers->tail = &optimisers->first;
    (void)pthread_mutex_init(&optimisers->lock, NULL);
    (void)pthread_cond_init(&optimisers->filled, NULL);
    n = n > OPTIMISERS_MAX ? OPTIMISERS_MAX : n;
    for (; optimisers->n < n; optimisers->n++) {
        int rc =
            pthread_create(&optimisers->threads[optimisers->n], NULL, optimiser_main, optimisers);
        if (rc != 0) {
            optimisers_stop(optimisers);
            return err_set(err, ERR_IO, "cannot start a thread: %s", strerror(rc));
        }
    }
    return 0;
}

void optimisers_push(struct optimisers *optimisers, struct suggestion_job *job)
{
    (void)pthread_mutex_lock(&optimisers->lock);
    *optimisers->tail = job;
    optimisers->tail = &job->next;
    (void)pthread_cond_signal(&optimisers->filled);
    (void)pthread_mutex_unlock(&optimisers->lock);
}

void optimisers_stop(struct optimisers *optimisers)
{
    atomic_store(&optimisers->stopping, true);
    (void)pthread_mutex_lock(&optimisers->lock);
    optimisers->closed = true;
    (void)pthread_cond_broadcast(&optimisers->filled);
    (void)pthread_mutex_unlock(&optimisers->lock);
    for (size_t i = 0; i < optimisers->n; i++) {
        (void)pthread_join(optimisers->threads[i], NULL);
    }
    optimisers->n = 0;
    while (optimisers->first != NULL) {
        struct suggestion_job *next = optimisers->first->next;
        suggestion_job_destroy(optimisers->first);
        optimisers->first = next;
    }
    (void)pthread_cond_destroy(&optimisers->filled);
    (void)pthread_mutex_destroy(&optimisers->lock);
}

#include "server/engine/optimisers.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/histogram.h"
#include "common/log.h"
#include "common/stop.h"
#include "server/engine/thread.h"

/* What a thread does next: one of the two. */
struct chosen_job {
    struct suggestion_job *of_study;
    struct request_job *of_request;
};

static struct suggestion_job *take_study_job(struct optimisers *optimisers)
{
    struct suggestion_job *job = optimisers->first;

    optimisers->first = job->next;
    if (optimisers->first == NULL) {
        optimisers->tail = &optimisers->first;
    }
    job->next = NULL;
    return job;
}

/* ---- jobs of requests ---- */

static void append_request(struct request_queue *queue, struct request_job *job)
{
    job->next = NULL;
    *queue->tail = job;
    queue->tail = &job->next;
}

static void prepend_request(struct request_queue *queue, struct request_job *job)
{
    job->next = queue->first;
    queue->first = job;
    if (job->next == NULL) {
        queue->tail = &job->next;
    }
}

static struct request_job *first_request(struct request_queue *queue)
{
    struct request_job *job = queue->first;

    queue->first = job->next;
    if (queue->first == NULL) {
        queue->tail = &queue->first;
    }
    job->next = NULL;
    return job;
}

static bool has_requests(const struct optimisers *optimisers)
{
    return optimisers->short_requests.first != NULL || optimisers->long_requests.first != NULL;
}

static struct request_job *take_request_job(struct optimisers *optimisers)
{
    bool is_short = optimisers->short_requests.first != NULL
                    && (optimisers->long_requests.first == NULL || !optimisers->was_short);

    optimisers->was_short = is_short;
    return first_request(is_short ? &optimisers->short_requests : &optimisers->long_requests);
}

/* A job that was not begun, or has more steps to go: one that has begun to be long goes on before
 * those that come after it. */
static void queue_request(struct optimisers *optimisers, struct request_job *job)
{
    if (job->n_steps < REQUEST_STEPS_SHORT) {
        append_request(&optimisers->short_requests, job);
    } else if (job->n_steps == REQUEST_STEPS_SHORT) {
        append_request(&optimisers->long_requests, job);
    } else {
        prepend_request(&optimisers->long_requests, job);
    }
    (void)pthread_cond_signal(&optimisers->filled);
}

/* ---- what a thread does next ---- */

static bool may_study(const struct optimisers *optimisers)
{
    return optimisers->first != NULL && optimisers->n_studying < optimisers->studying_max;
}

static bool may_answer(const struct optimisers *optimisers)
{
    return has_requests(optimisers) && optimisers->n_answering < optimisers->answering_max;
}

/* False: the threads are to end. */
static bool next_job(struct optimisers *optimisers, struct chosen_job *chosen)
{
    *chosen = (struct chosen_job){0};
    (void)pthread_mutex_lock(&optimisers->lock);
    while (!may_study(optimisers) && !may_answer(optimisers) && !optimisers->closed) {
        (void)pthread_cond_wait(&optimisers->filled, &optimisers->lock);
    }
    bool is_open = !optimisers->closed;
    bool has_turn = !may_study(optimisers) || optimisers->in_row >= STUDY_JOBS_IN_ROW;
    if (is_open && may_answer(optimisers) && has_turn) {
        chosen->of_request = take_request_job(optimisers);
        optimisers->n_answering++;
        optimisers->in_row = 0;
    } else if (is_open) {
        chosen->of_study = take_study_job(optimisers);
        optimisers->n_studying++;
        optimisers->in_row++;
    }
    (void)pthread_mutex_unlock(&optimisers->lock);
    return is_open;
}

/* A thread is done with a job, which may let another thread begin the next of this kind. */
static void job_is_over(struct optimisers *optimisers, size_t *n_running)
{
    (void)pthread_mutex_lock(&optimisers->lock);
    --*n_running;
    (void)pthread_cond_signal(&optimisers->filled);
    (void)pthread_mutex_unlock(&optimisers->lock);
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

static void run_study_job(struct optimisers *optimisers, struct suggestion_job *job)
{
    run_job(optimisers, job);
    if (stop_is_asked(&optimisers->stopping)) { /* it may have ended before it was done */
        suggestion_job_destroy(job);
    } else {
        bring_back(optimisers, job);
    }
}

static void end_request(struct request_job *job)
{
    struct err why;

    (void)err_set(&why, ERR_OVERLOADED, "the server is stopping; repeat in a moment");
    job->end(job, &why);
}

/* One step; then it waits for the next one, or is over. */
static void run_request(struct optimisers *optimisers, struct request_job *job)
{
    bool more = job->step(job, &optimisers->stopping);

    (void)pthread_mutex_lock(&optimisers->lock);
    bool goes_on = more && !optimisers->closed;
    job->n_steps++;
    if (goes_on) {
        queue_request(optimisers, job);
    } else {
        optimisers->n_requests--;
        optimisers->request_bytes -= job->bytes;
    }
    (void)pthread_mutex_unlock(&optimisers->lock);
    if (more && !goes_on) {
        end_request(job);
    } else if (!more) {
        job->end(job, NULL);
    }
}

static void *optimiser_main(void *argument)
{
    struct optimisers *optimisers = argument;
    struct chosen_job job;

    while (next_job(optimisers, &job)) {
        if (job.of_request != NULL) {
            run_request(optimisers, job.of_request);
            job_is_over(optimisers, &optimisers->n_answering);
        } else {
            run_study_job(optimisers, job.of_study);
            job_is_over(optimisers, &optimisers->n_studying);
        }
    }
    return NULL;
}

int optimisers_start(struct optimisers *optimisers, struct queue *queue,
                     struct histogram *suggest_durations, size_t n, struct err *err)
{
    *optimisers = (struct optimisers){.queue = queue, .suggest_durations = suggest_durations};
    optimisers->tail = &optimisers->first;
    optimisers->short_requests.tail = &optimisers->short_requests.first;
    optimisers->long_requests.tail = &optimisers->long_requests.first;
    (void)pthread_mutex_init(&optimisers->lock, NULL);
    (void)pthread_cond_init(&optimisers->filled, NULL);
    n = n > OPTIMISERS_MAX ? OPTIMISERS_MAX : n;
    optimisers->studying_max = n;
    n = n < 2 ? 2 : n;
    optimisers->answering_max = n - 1;
    for (; optimisers->n < n; optimisers->n++) {
        if (thread_start(&optimisers->threads[optimisers->n], optimiser_main, optimisers, err)
            != 0) {
            optimisers_stop(optimisers);
            return -1;
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

int optimisers_push_request(struct optimisers *optimisers, struct request_job *job, struct err *err)
{
    (void)pthread_mutex_lock(&optimisers->lock);
    bool has_room = !optimisers->closed && optimisers->n_requests < REQUEST_JOBS_MAX
                    && job->bytes <= REQUEST_JOBS_BYTES - optimisers->request_bytes;
    if (has_room) {
        optimisers->n_requests++;
        optimisers->request_bytes += job->bytes;
        queue_request(optimisers, job);
    }
    (void)pthread_mutex_unlock(&optimisers->lock);
    return has_room ? 0
                    : err_set(err, ERR_OVERLOADED,
                              "more is asked for than the server has time to compute; repeat in a "
                              "moment");
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
    while (has_requests(optimisers)) {
        end_request(take_request_job(optimisers));
    }
}

void optimisers_finish(struct optimisers *optimisers)
{
    if (optimisers->tail != NULL) {
        (void)pthread_cond_destroy(&optimisers->filled);
        (void)pthread_mutex_destroy(&optimisers->lock);
    }
}

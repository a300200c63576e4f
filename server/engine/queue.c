#include "server/engine/queue.h"

#include <errno.h>
#include <time.h>

#include "common/clock.h"

void queue_init(struct queue *queue)
{
    pthread_condattr_t attributes;

    *queue = (struct queue){.tail = NULL};
    queue->tail = &queue->first;
    (void)pthread_mutex_init(&queue->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&queue->filled, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

void queue_finish(struct queue *queue)
{
    while (queue->first != NULL) {
        struct command *command = queue->first;
        queue->first = command->next;
        command_destroy(command);
    }
    (void)pthread_cond_destroy(&queue->filled);
    (void)pthread_mutex_destroy(&queue->lock);
}

/* Results are worth more than asks, which can come again. */
static bool has_room(const struct queue *queue, const struct command *command)
{
    size_t commands_max = QUEUE_COMMANDS_MAX;
    size_t bytes_max = QUEUE_BYTES_MAX;

    if (command->kind == COMMAND_ASK) {
        commands_max -= commands_max / 4;
        bytes_max -= bytes_max / 4;
    }
    return queue->n < commands_max && queue->bytes + command->bytes <= bytes_max;
}

int queue_push(struct queue *queue, struct command *command, struct err *err)
{
    int result = 0;

    (void)pthread_mutex_lock(&queue->lock);
    if (queue->closed) {
        result = err_set(err, ERR_OVERLOADED, "the server is stopping; repeat in a moment");
    } else if (command->kind != COMMAND_UNSENT && command->kind != COMMAND_SUGGESTION
               && !has_room(queue, command)) {
        result = err_set(err, ERR_OVERLOADED,
                         "more requests wait than the disk can take; repeat in a moment");
    } else {
        command->next = NULL;
        *queue->tail = command;
        queue->tail = &command->next;
        queue->n++;
        queue->bytes += command->bytes;
        if (queue->n == 1 || queue->n == queue->wanted) {
            (void)pthread_cond_signal(&queue->filled);
        }
    }
    (void)pthread_mutex_unlock(&queue->lock);
    return result;
}

static struct command *take(struct queue *queue, size_t max)
{
    struct command *first = queue->first;
    struct command **at = &queue->first;
    size_t n = 0;

    if (max == 0 || queue->n <= max) {
        queue->first = NULL;
        queue->tail = &queue->first;
        queue->n = 0;
        queue->bytes = 0;
        return first;
    }
    while (n < max) {
        queue->bytes -= (*at)->bytes;
        at = &(*at)->next;
        n++;
    }
    queue->first = *at;
    *at = NULL;
    queue->n -= n;
    return first;
}

struct command *queue_drain(struct queue *queue, size_t max, int64_t deadline_ms)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ms / 1000),
                             .tv_nsec = (long)(deadline_ms % 1000) * 1000000};

    (void)pthread_mutex_lock(&queue->lock);
    while (queue->first == NULL && !queue->closed && !queue->woken) {
        if (deadline_ms == INT64_MAX) {
            (void)pthread_cond_wait(&queue->filled, &queue->lock);
        } else if (pthread_cond_timedwait(&queue->filled, &queue->lock, &until) == ETIMEDOUT) {
            break;
        }
    }
    queue->woken = false;
    struct command *first = take(queue, max);
    (void)pthread_mutex_unlock(&queue->lock);
    return first;
}

size_t queue_await(struct queue *queue, size_t n, int64_t us)
{
    int64_t until_us = clock_monotonic_us() + us;
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000),
                             .tv_nsec = (long)(until_us % 1000000) * 1000};

    (void)pthread_mutex_lock(&queue->lock);
    queue->wanted = n;
    while (queue->n < n && !queue->closed && !queue->woken) {
        if (pthread_cond_timedwait(&queue->filled, &queue->lock, &until) == ETIMEDOUT) {
            break;
        }
    }
    queue->wanted = 0;
    size_t length = queue->n;
    (void)pthread_mutex_unlock(&queue->lock);
    return length;
}

void queue_close(struct queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    (void)pthread_cond_signal(&queue->filled);
    (void)pthread_mutex_unlock(&queue->lock);
}

void queue_wake(struct queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->woken = true;
    (void)pthread_cond_signal(&queue->filled);
    (void)pthread_mutex_unlock(&queue->lock);
}

size_t queue_length(struct queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    size_t n = queue->n;
    (void)pthread_mutex_unlock(&queue->lock);
    return n;
}

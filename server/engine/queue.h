/* The queue between the loop and the writer. Any thread may push, close, wake and ask for the
 * length; the writer alone drains and waits. */
#ifndef SERVER_ENGINE_QUEUE_H
#define SERVER_ENGINE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/tuning/command.h"

#define QUEUE_COMMANDS_MAX 4096
#define QUEUE_BYTES_MAX (64u << 20)

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct command *first, **tail;
    size_t n, bytes;
    size_t wanted; /* wake the writer at this length; 0: at the first command */
    bool closed;   /* takes no more */
    bool woken;
};

/* An empty queue that takes commands. */
void queue_init(struct queue *queue);
/* Destroys what is queued. No other thread may use the queue any more. */
void queue_finish(struct queue *queue);
/* Takes the command on success. ERR_OVERLOADED: the queue is full, for asks three quarters full, or
 * closed. Commands of the server itself are refused by a closed queue alone. */
MUST_USE int queue_push(struct queue *queue, struct command *command, struct err *err);
/* Returns everything that is queued, oldest first and linked by `next`, at most `max` (0: all); the
 * caller owns it. Waits until `deadline_ms` (CLOCK_MONOTONIC; INT64_MAX: without end) when there is
 * nothing. NULL: nothing came, the queue was woken or is closed. */
struct command *queue_drain(struct queue *queue, size_t max, int64_t deadline_ms);
/* Waits until `n` commands are queued, or `us` microseconds have passed; returns how many there
 * are.
 */
size_t queue_await(struct queue *queue, size_t n, int64_t us);
/* From now on nothing is taken; what is queued stays. */
void queue_close(struct queue *queue);
/* Ends the present or the next wait of the writer. */
void queue_wake(struct queue *queue);
/* Returns how many commands are queued. */
size_t queue_length(struct queue *queue);

#endif

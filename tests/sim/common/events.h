/* Simulated time: a clock, and what happens later.
 *
 * The queue gives the earliest event first; of one millisecond, the one that was added first. Time
 * passes only when a simulator sets the clock to the moment of the event that it takes. */
#ifndef TESTS_SIM_COMMON_EVENTS_H
#define TESTS_SIM_COMMON_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "tests/support/clock_manual.h"

/* A simulator sets `kind`, a value of its own enum, and those members that this kind needs. */
struct event {
    int64_t at_ms;  /* set by events_add() */
    uint64_t order; /* set by events_add() */
    int kind;
    size_t worker;
    int64_t turn; /* of the worker (worker.h); an event of an earlier turn is ignored */
    int64_t trial, attempt, step;
    int64_t op;    /* the number of the request that the message belongs to */
    void *message; /* the queue does not own it */
};

struct events {
    const struct clock_manual *clock; /* borrowed */
    size_t n, cap;
    struct event *heap; /* a binary heap, the earliest on top */
    uint64_t n_added;
};

void events_init(struct events *events, const struct clock_manual *clock);
void events_finish(struct events *events);

/* Aborts when memory ends. */
void events_add(struct events *events, int64_t in_ms, struct event event);
/* The next one, which stays in the queue until the queue changes; NULL: there is none. */
const struct event *events_next(const struct events *events);
/* Takes the next one out; there must be one. */
struct event events_take(struct events *events);
void events_clear(struct events *events);

#endif

/* Thoughts: what takes longer than microseconds, made outside the writer: suggestions, and the
 * model's word about a running trial (asha, predictive).
 *
 * A thought is a study, a snapshot of its history, and an ordinal or a trial; thought_run() is pure
 * and may run on any thread. The writer makes thoughts, one under way per study; whoever runs them
 * brings them back as COMMAND_THOUGHT. Exact serving fixes the snapshot when the ask has its turn,
 * so the order of commands alone decides what is suggested; prepared serving thinks ahead. */
#ifndef SERVER_TUNING_THINK_H
#define SERVER_TUNING_THINK_H

#include "server/strategy/forecast.h"
#include "server/strategy/strategy.h"
#include "server/tuning/past.h"

struct thought {
    struct thought *next;
    int64_t study;          /* its id */
    uint64_t generation;    /* of the live state that asked: an older one is not wanted any more */
    uint64_t epoch;         /* of the study's preparations, likewise */
    struct shared_def *def; /* held */
    struct snapshot snapshot;
    int64_t judged; /* the trial whose end is to be foretold; 0: a suggestion is to be made */
    int64_t level;  /* at which it was measured */
    struct forecast forecast;
    uint64_t ordinal; /* of the suggestion */
    const struct strategy *strategy;
    struct suggestion out; /* out.x is owned */
    int result;            /* of suggest() or strategy_forecast() */
    struct err err;
};

void thought_run(struct thought *thought);
void thought_destroy(struct thought *thought);
OWN_POINTER(thought)

/* ---- for the files of this room ---- */

/* A suggestion that waits to be handed out. */
struct ready {
    struct ready *next;
    uint64_t ordinal;
    struct suggestion out; /* owned */
};
void ready_destroy(struct ready *ready);

/* The configuration of one that was handed out while thoughts with an older snapshot wait. */
struct handed {
    struct handed *next;
    uint64_t ordinal;
    double x[];
};

#endif

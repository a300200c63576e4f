/* A trial: one configuration of a study, trained in one or more attempts, each under one lease.
 *
 * The rules and the words; no clock, no store, no thread. trial_move() alone decides which state
 * may follow which. */
#ifndef SERVER_DOMAIN_TRIAL_H
#define SERVER_DOMAIN_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* As stored: never renumber. */
enum trial_state {
    TRIAL_QUEUED = 0,
    TRIAL_RUNNING = 1,
    TRIAL_PAUSED = 2,
    TRIAL_COMPLETED = 3,
    TRIAL_PRUNED = 4,
    TRIAL_FAILED = 5,
    TRIAL_INFEASIBLE = 6,
    TRIAL_CANCELLED = 7,
    TRIAL_STATE_COUNT
};
/* The word of the API; static text. So for the other names below. */
const char *trial_state_name(enum trial_state state);
/* -1 if there is none of that name. */
int trial_state_from_name(const char *name);
/* Whether nothing can follow: completed, pruned, failed, infeasible, cancelled. */
bool trial_state_is_final(enum trial_state state);
/* Writes *state, or says that this move is not allowed. */
MUST_USE int trial_move(enum trial_state *state, enum trial_state next, struct err *err);

enum trial_source { SOURCE_SUGGESTED = 0, SOURCE_ENQUEUED = 1, SOURCE_IMPORTED = 2, SOURCE_COUNT };
const char *trial_source_name(enum trial_source source);

/* Why an attempt ended. As stored: never renumber. */
enum attempt_end {
    ATTEMPT_LIVE = 0,
    ATTEMPT_COMPLETED = 1,
    ATTEMPT_PRUNED = 2,
    ATTEMPT_PAUSED = 3,
    ATTEMPT_PREEMPTED = 4,
    ATTEMPT_LOST = 5,
    ATTEMPT_RELEASED = 6,
    ATTEMPT_SUPERSEDED = 7,
    ATTEMPT_CANCELLED = 8,
    ATTEMPT_FAILED = 9,
    ATTEMPT_INFEASIBLE = 10,
    ATTEMPT_END_COUNT
};
const char *attempt_end_name(enum attempt_end end); /* "running" for ATTEMPT_LIVE */

/* Study states. As stored: never renumber. */
enum study_state {
    STUDY_RUNNING = 0,
    STUDY_PAUSED = 1,
    STUDY_STOPPED = 2,
    STUDY_FINISHED = 3,
    STUDY_STATE_COUNT
};
const char *study_state_name(enum study_state state);
/* -1 if there is none of that name. */
int study_state_from_name(const char *name);

enum study_reason {
    REASON_NONE = 0,
    REASON_TRIALS = 1,
    REASON_SECONDS = 2,
    REASON_RESOURCE = 3,
    REASON_TARGET = 4,
    REASON_FAILURES = 5,
    REASON_EXHAUSTED = 6,
    REASON_ROUNDS = 7,
    STUDY_REASON_COUNT
};
const char *study_reason_name(enum study_reason reason); /* NULL for REASON_NONE */

/* A trial's id in the store: study << 32 | number. */
#define TRIAL_NUMBER_MAX INT64_C(0xffffffff)
int64_t trial_id(int64_t study, int64_t number);
int64_t trial_id_study(int64_t id);
int64_t trial_id_number(int64_t id);

/* The seed a trial's job gets, 0..2^53-1: a stream of its own beside the suggestions'. */
uint64_t trial_seed(uint64_t study_seed, int64_t number);

#endif

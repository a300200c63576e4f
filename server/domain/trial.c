#include "server/domain/trial.h"

#include <string.h>

#include "common/rng.h"

static const char *const state_names[TRIAL_STATE_COUNT] = {
    [TRIAL_QUEUED] = "queued",         [TRIAL_RUNNING] = "running",     [TRIAL_PAUSED] = "paused",
    [TRIAL_COMPLETED] = "completed",   [TRIAL_PRUNED] = "pruned",       [TRIAL_FAILED] = "failed",
    [TRIAL_INFEASIBLE] = "infeasible", [TRIAL_CANCELLED] = "cancelled",
};

#define TO(state) (1u << TRIAL_##state)

static const unsigned moves[TRIAL_STATE_COUNT] = {
    [TRIAL_QUEUED] = TO(RUNNING) | TO(CANCELLED) | TO(FAILED) | TO(PRUNED),
    [TRIAL_RUNNING] = TO(QUEUED) | TO(PAUSED) | TO(COMPLETED) | TO(PRUNED) | TO(FAILED)
                      | TO(INFEASIBLE) | TO(CANCELLED),
    [TRIAL_PAUSED] = TO(QUEUED) | TO(RUNNING) | TO(COMPLETED) | TO(PRUNED) | TO(CANCELLED),
    [TRIAL_FAILED] = TO(QUEUED), /* tried again at the user's wish */
    [TRIAL_INFEASIBLE] = TO(QUEUED),
};

const char *trial_state_name(enum trial_state state)
{
    return state_names[state];
}

int trial_state_from_name(const char *name)
{
    for (int i = 0; i < TRIAL_STATE_COUNT; i++) {
        if (strcmp(state_names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

bool trial_state_is_final(enum trial_state state)
{
    return state != TRIAL_QUEUED && state != TRIAL_RUNNING && state != TRIAL_PAUSED;
}

int trial_move(enum trial_state *state, enum trial_state next, struct err *err)
{
    if ((moves[*state] & (1u << next)) == 0) {
        return err_set(err, ERR_WRONG_STATE, "a trial that is %s cannot become %s",
                       state_names[*state], state_names[next]);
    }
    *state = next;
    return 0;
}

const char *trial_source_name(enum trial_source source)
{
    static const char *const names[] = {"suggested", "enqueued", "imported"};

    return names[source];
}

const char *attempt_end_name(enum attempt_end end)
{
    static const char *const names[ATTEMPT_END_COUNT] = {
        [ATTEMPT_LIVE] = "running",          [ATTEMPT_COMPLETED] = "completed",
        [ATTEMPT_PRUNED] = "pruned",         [ATTEMPT_PAUSED] = "paused",
        [ATTEMPT_PREEMPTED] = "preempted",   [ATTEMPT_LOST] = "lost",
        [ATTEMPT_RELEASED] = "released",     [ATTEMPT_SUPERSEDED] = "superseded",
        [ATTEMPT_CANCELLED] = "cancelled",   [ATTEMPT_FAILED] = "failed",
        [ATTEMPT_INFEASIBLE] = "infeasible",
    };

    return names[end];
}

static const char *const study_states[STUDY_STATE_COUNT] = {"running", "paused", "stopped",
                                                            "finished"};

const char *study_state_name(enum study_state state)
{
    return study_states[state];
}

int study_state_from_name(const char *name)
{
    for (int i = 0; i < STUDY_STATE_COUNT; i++) {
        if (strcmp(study_states[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

const char *study_reason_name(enum study_reason reason)
{
    static const char *const names[STUDY_REASON_COUNT] = {
        [REASON_TRIALS] = "trials",     [REASON_SECONDS] = "seconds",
        [REASON_RESOURCE] = "resource", [REASON_TARGET] = "target",
        [REASON_FAILURES] = "failures", [REASON_EXHAUSTED] = "exhausted",
        [REASON_ROUNDS] = "rounds",
    };

    return names[reason];
}

int64_t trial_id(int64_t study, int64_t number)
{
    return (study << 32) | number;
}

int64_t trial_id_study(int64_t id)
{
    return id >> 32;
}

int64_t trial_id_number(int64_t id)
{
    return id & TRIAL_NUMBER_MAX;
}

uint64_t trial_seed(uint64_t study_seed, int64_t number)
{
    return rng_key(splitmix64(study_seed), (uint64_t)number) >> 11;
}

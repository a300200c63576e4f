/* The state that the parts of a simulated cluster share. Others include cluster.h.
 *
 * Each part has a header: cluster_values.h, cluster_server.h, cluster_claims.h, cluster_workers.h,
 * cluster_restart.h; cluster.c runs them. Time, chance, the network and what workers have in common
 * come from tests/sim/common. */
#ifndef TESTS_SIM_CLUSTER_STATE_H
#define TESTS_SIM_CLUSTER_STATE_H

#include "server/schedule/kinds.h"
#include "server/schedule/offer.h"
#include "tests/sim/cluster.h"
#include "tests/sim/common/curves.h"
#include "tests/sim/common/events.h"
#include "tests/sim/common/network.h"
#include "tests/sim/common/worker.h"
#include "tests/sim/planted.h"

#define TTL_MS 60000
#define ATTEMPTS_MAX 3
#define STEPS_MAX 400

enum trial_phase { PHASE_QUEUED, PHASE_RUNNING, PHASE_PAUSED, PHASE_FINAL };

struct sim_trial {
    enum trial_phase phase;
    int n_lost;
    int64_t attempt;
    int64_t granted, deadline_ms, checkpoint;
    int64_t valued_at;   /* the step of its newest rung value */
    int64_t forecast_at; /* the level at which the model is asked about it */
    bool has[STEPS_MAX]; /* a measurement of this step is stored */
    bool is_cancelled;
};

enum worker_phase { WORKER_WAITING, WORKER_BUSY, WORKER_DOWN };

struct sim_worker {
    struct worker worker; /* its turn changes with its job */
    enum worker_phase phase;
    int64_t since_ms; /* in this phase */
    bool has_died;
    /* the job */
    int64_t trial, attempt, stride;
    int64_t dies_at, ends_at, fails_at; /* steps; INT64_MAX: never */
    bool ignores_answers, overshoots, is_saving;
    int64_t silent_ms;
};

enum event_kind {
    EVENT_STEP,
    EVENT_UP,
    EVENT_EXPIRE,
    EVENT_LATE,
    EVENT_CANCEL,
    EVENT_UNPAUSE,
    EVENT_FORECAST
};

struct cluster {
    const struct cluster_options *o;
    struct study_def *study;
    struct schedule *schedule;
    struct schedule_kind planted_kind;
    struct schedule_log stored; /* what the server's disk holds */
    struct watch watch;
    struct rng rng;
    struct clock_manual clock;
    struct events events;
    struct network network;
    struct worker_faults faults;
    struct curves curves;
    struct sim_trial *trials; /* from 1 */
    int64_t n_trials, cap_trials;
    struct sim_worker *workers;
    int64_t *retries; /* trials that wait to be leased again, oldest first */
    size_t n_retries;
    int64_t n_complete;
    bool is_paused, is_sealed;
    struct cluster_outcome *out;
};

#endif

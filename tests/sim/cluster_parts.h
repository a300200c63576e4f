/* Inside the simulated cluster: what it is made of. Others include cluster.h.
 *
 * cluster_values.c has the values that trials report; cluster_server.c stores facts and acts on
 * them; cluster_claims.c grants leases and checks that no worker waits while a job is legal;
 * cluster_workers.c trains, reports, dies; cluster_restart.c rebuilds the schedule and compares;
 * cluster.c runs it all. Time, chance, the network and what workers have in common come from
 * tests/sim/common. */
#ifndef TESTS_SIM_CLUSTER_PARTS_H
#define TESTS_SIM_CLUSTER_PARTS_H

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

/* ---- cluster_values.c ---- */
bool cluster_is_broken(const struct cluster *c, int64_t trial, int64_t step);
/* As reported to the schedule. */
double cluster_value_of(const struct cluster *c, int64_t trial, int64_t step);

/* ---- cluster_server.c ---- */
struct schedule_moment cluster_moment_of(const struct cluster *c);
/* Stores the facts and acts on them; empties the log. */
void cluster_store_facts(struct cluster *c, struct schedule_log *log);
/* A step of the schedule that should not fail has returned `failed`. */
void cluster_must(int failed, struct cluster *c, const struct err *err);
void cluster_end_trial(struct cluster *c, int64_t trial, enum schedule_fact how);
/* The attempt is over; what becomes of the trial is the schedule's answer. */
void cluster_settle_trial(struct cluster *c, int64_t trial);
void cluster_drop_retry(struct cluster *c, int64_t trial);
/* Is this the trial's newest attempt, whose reports count? Revives an expired lease. */
bool cluster_accepts(struct cluster *c, int64_t trial, int64_t attempt);
/* Looks at the trial's lease when it should expire. */
void cluster_plan_expiry(struct cluster *c, int64_t trial);
void cluster_request_forecast(struct cluster *c, int64_t trial);
void cluster_apply_forecast(struct cluster *c, const struct event *event);
void cluster_expire(struct cluster *c, const struct event *event);
void cluster_cancel(struct cluster *c, int64_t trial);
void cluster_tick(struct cluster *c);

/* ---- cluster_claims.c ---- */
void cluster_dispatch(struct cluster *c);
void cluster_check_idling(struct cluster *c);

/* ---- cluster_workers.c ---- */
void cluster_begin_job(struct cluster *c, size_t worker, int64_t trial, int64_t until);
/* Brings the times of all workers' phases up to now. */
void cluster_turn_all(struct cluster *c);
/* The worker waits for a job from now on. */
void cluster_free_worker(struct cluster *c, size_t worker);
void cluster_step_job(struct cluster *c, const struct event *event);
void cluster_receive_late(struct cluster *c, const struct event *event);

/* ---- cluster_restart.c ---- */
struct schedule *cluster_fresh_schedule(struct cluster *c);
/* The server is killed: its schedule is rebuilt from what is stored, and must be the same. */
void cluster_restart(struct cluster *c);

#endif

/* Inside the simulated cluster: what it is made of. Others include cluster.h.
 *
 * cluster_world.c has time, chance and values; cluster_server.c keeps facts and acts on them;
 * cluster_claims.c hands out and looks whether somebody waits for nothing; cluster_workers.c
 * trains, reports, dies; cluster_restart.c rebuilds the schedule and compares; cluster.c runs it
 * all. */
#ifndef TESTS_SIM_CLUSTER_PARTS_H
#define TESTS_SIM_CLUSTER_PARTS_H

#include "server/schedule/kinds.h"
#include "server/schedule/offer.h"
#include "tests/sim/cluster.h"
#include "tests/sim/planted.h"

#define TTL_MS 60000
#define ATTEMPTS_MAX 3
#define STEPS_MAX 400

enum trial_phase { PHASE_QUEUED, PHASE_RUNNING, PHASE_PAUSED, PHASE_FINAL };

struct sim_trial {
    enum trial_phase phase;
    int attempt, n_lost;
    int64_t granted, deadline_ms, checkpoint;
    int64_t valued_at;   /* the step of its newest rung value */
    int64_t asked_at;    /* the level at which the model is asked about it */
    bool has[STEPS_MAX]; /* a measurement of this step is stored */
    bool is_cancelled;
};

enum worker_phase { WORKER_WAITING, WORKER_BUSY, WORKER_DOWN };

struct sim_worker {
    enum worker_phase phase;
    int64_t ms_per_step;
    int64_t since_ms; /* in this phase */
    int generation;   /* of its job: events of an older one are void */
    bool has_died;
    /* the job */
    int64_t trial, step, until, stride;
    int attempt;
    int64_t dies_at, ends_at, fails_at; /* steps; INT64_MAX: never */
    bool is_deaf, overshoots, is_saving;
    int64_t silent_ms;
};

enum event_kind {
    EVENT_STEP,
    EVENT_UP,
    EVENT_EXPIRE,
    EVENT_LATE,
    EVENT_CANCEL,
    EVENT_UNPAUSE,
    EVENT_WORD
};

struct event {
    int64_t at_ms;
    uint64_t order;
    enum event_kind kind;
    int worker, generation, attempt;
    int64_t trial, step;
};

struct cluster {
    const struct cluster_options *o;
    struct study_def *study;
    struct schedule *schedule;
    struct schedule_kind planted_kind;
    struct schedule_log stored; /* what the server's disk holds */
    struct watch watch;
    struct rng rng;
    int64_t now_ms;
    struct event *heap;
    size_t n_events, cap_events;
    uint64_t order;
    struct sim_trial *trials; /* from 1 */
    int64_t n_trials, cap_trials;
    struct sim_worker *workers;
    int64_t *retries; /* trials that wait to be leased again, oldest first */
    size_t n_retries;
    int64_t n_complete;
    bool is_paused, is_sealed;
    struct cluster_outcome *out;
};

/* ---- cluster_world.c ---- */
void cluster_must(int failed, struct cluster *c, const struct err *err);
bool cluster_chance(struct cluster *c, int of_1000);
void cluster_push(struct cluster *c, struct event event);
struct event cluster_pop(struct cluster *c);
/* A number in [0, 1) that depends on the two and nothing else. */
double cluster_unit(uint64_t a, uint64_t b);
bool cluster_is_broken(const struct cluster *c, int64_t trial, int64_t step);
double cluster_value_of(const struct cluster *c, int64_t trial, int64_t step);

/* ---- cluster_server.c ---- */
struct schedule_moment cluster_moment_of(const struct cluster *c);
/* Stores the facts and acts on them; empties the log. */
void cluster_take_in(struct cluster *c, struct schedule_log *log);
void cluster_end_trial(struct cluster *c, int64_t trial, enum schedule_fact how);
/* The attempt is over; what becomes of the trial is the schedule's answer. */
void cluster_settle_trial(struct cluster *c, int64_t trial);
void cluster_drop_retry(struct cluster *c, int64_t trial);
/* Is this the trial's newest attempt, so that its word counts? Revives an expired lease. */
bool cluster_hears(struct cluster *c, int64_t trial, int attempt);
void cluster_ask_word(struct cluster *c, int64_t trial);
void cluster_hear_word(struct cluster *c, const struct event *event);
void cluster_expire(struct cluster *c, const struct event *event);
void cluster_cancel(struct cluster *c, int64_t trial);
void cluster_tick(struct cluster *c);

/* ---- cluster_claims.c ---- */
void cluster_dispatch(struct cluster *c);
void cluster_check_idling(struct cluster *c);

/* ---- cluster_workers.c ---- */
void cluster_begin_job(struct cluster *c, int worker, int64_t trial, int64_t until);
/* Brings the times of all workers' phases up to now. */
void cluster_turn_all(struct cluster *c);
void cluster_rest(struct cluster *c, int worker);
void cluster_step_job(struct cluster *c, const struct event *event);
void cluster_hear_late(struct cluster *c, const struct event *event);

/* ---- cluster_restart.c ---- */
struct schedule *cluster_fresh_schedule(struct cluster *c);
/* The server is killed: its schedule is rebuilt from what is stored, and must be the same. */
void cluster_restart(struct cluster *c);

#endif

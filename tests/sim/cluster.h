/* A cluster in virtual time around one schedule: workers of different speeds that crash, straggle,
 * fall silent and come back, send messages twice or late; a server that expires leases, retries,
 * is restarted and rebuilds its schedule from stored facts. One seed repeats everything.
 *
 * In mode "predictive" the model is a table of chances, and its forecast comes after a delay.
 *
 * It does what tuning/ does with the least code that is right, so that what is tested is the
 * schedule; every fact goes through a watch, and after every event it checks that no worker waits
 * while a job is legal. */
#ifndef TESTS_SIM_CLUSTER_H
#define TESTS_SIM_CLUSTER_H

#include "tests/sim/watch.h"

struct planted; /* a bug on purpose: planted.h */

struct cluster_options {
    uint64_t seed;        /* of what happens */
    uint64_t curve_seed;  /* of what the trials' values are */
    const char *strategy; /* "hyperband", "asha" */
    bool is_stopping, is_predictive, is_progressive;
    int64_t R, r_min, eta, brackets; /* brackets 0: all, or 1 in asha */
    int64_t rounds;                  /* 0: until n_trials */
    int64_t n_trials;
    size_t n_workers;
    double quorum;
    bool same_speed;
    bool each_worker_dies_once;
    /* chances, out of 1000: of an attempt … */
    unsigned crash, fail, end_early, overshoot, ignore, straggle, silence;
    /* … of a trial … */
    unsigned nan, cancel;
    /* … of a message … */
    unsigned twice, late;
    /* … of an event */
    unsigned restart, pause;
    /* What the schedule gets: the value, its negative (as maximize), or a rising function. */
    enum { REPORT_PLAIN, REPORT_NEGATED, REPORT_EXPONENTIAL } reported;
    const struct planted *planted;
};

struct cluster_outcome {
    unsigned violated;
    char texts[INVARIANT_COUNT][160];
    uint64_t promotions; /* who was promoted where */
    uint64_t history;    /* the facts, values and moments aside */
    int64_t n_values;    /* trial-rungs */
    int64_t n_facts, n_restarts, n_lost, n_promoted;
    /* The whole study, from the first lease to the last result: of all workers together, busy
     * with a lease and waiting for one. Workers that are down do neither. */
    int64_t end_ms, busy_ms, idle_ms;
    /* The same until the last new configuration that its limit allows has gone out: as long as a
     * new one is legal. */
    int64_t open_ms, open_busy_ms, open_idle_ms;
    size_t most_open; /* brackets at once */
};

void cluster_run(const struct cluster_options *options, struct cluster_outcome *outcome);

#endif

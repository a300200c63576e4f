/* The workers of a cluster: they train, report, save, fall silent and die. */
#ifndef TESTS_SIM_CLUSTER_WORKERS_H
#define TESTS_SIM_CLUSTER_WORKERS_H

#include "tests/sim/cluster_state.h"

void cluster_begin_job(struct cluster *c, size_t worker, int64_t trial, int64_t until);
/* Brings the times of all workers' phases up to now. */
void cluster_turn_all(struct cluster *c);
/* The worker waits for a job from now on. */
void cluster_free_worker(struct cluster *c, size_t worker);
void cluster_step_job(struct cluster *c, const struct event *event);
void cluster_receive_late(struct cluster *c, const struct event *event);

#endif

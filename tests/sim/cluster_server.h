/* The server of a cluster: stores facts and acts on them, expires leases, gets forecasts. */
#ifndef TESTS_SIM_CLUSTER_SERVER_H
#define TESTS_SIM_CLUSTER_SERVER_H

#include "tests/sim/cluster_state.h"

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

#endif

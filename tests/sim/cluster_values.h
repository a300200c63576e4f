/* The values that the trials of a cluster report. */
#ifndef TESTS_SIM_CLUSTER_VALUES_H
#define TESTS_SIM_CLUSTER_VALUES_H

#include "tests/sim/cluster_state.h"

bool cluster_is_broken(const struct cluster *c, int64_t trial, int64_t step);
/* As reported to the schedule. */
double cluster_value_of(const struct cluster *c, int64_t trial, int64_t step);

#endif

/* Grants leases, and checks that no worker waits while a job is legal. */
#ifndef TESTS_SIM_CLUSTER_CLAIMS_H
#define TESTS_SIM_CLUSTER_CLAIMS_H

#include "tests/sim/cluster_state.h"

void cluster_dispatch(struct cluster *c);
void cluster_check_idling(struct cluster *c);

#endif

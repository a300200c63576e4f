/* A kill of the server: the schedule is built again from the stored facts and compared. */
#ifndef TESTS_SIM_CLUSTER_RESTART_H
#define TESTS_SIM_CLUSTER_RESTART_H

#include "tests/sim/cluster_state.h"

struct schedule *cluster_fresh_schedule(struct cluster *c);
/* The server is killed: its schedule is rebuilt from what is stored, and must be the same. */
void cluster_restart(struct cluster *c);

#endif

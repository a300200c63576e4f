/* A user who enqueues trials, cancels, pauses and resumes. There is no network between the user and
 * the server, but the server may be killed at the request. */
#ifndef TESTS_SIM_SIMULATION_USER_H
#define TESTS_SIM_SIMULATION_USER_H

#include "tests/sim/simulation.h"

/* One request, chosen at random. */
MUST_USE int simulation_user_acts(struct simulation *simulation, struct err *err);

#endif

/* Runs a simulation: creates the studies, then handles one event after the other until every study
 * has finished. */
#ifndef TESTS_SIM_SIMULATION_RUN_H
#define TESTS_SIM_SIMULATION_RUN_H

#include "tests/sim/simulation.h"

/* ERR_INVALID: a worker waited while a job was legal, or the studies did not finish. */
MUST_USE int simulation_run(struct simulation *simulation, struct err *err);

#endif

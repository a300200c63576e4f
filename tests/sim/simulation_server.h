/* The server of a simulation: applies requests, sends answers, is killed, has a disk that fails for
 * a group, and a clock that is set. */
#ifndef TESTS_SIM_SIMULATION_SERVER_H
#define TESTS_SIM_SIMULATION_SERVER_H

#include "tests/sim/simulation.h"

/* When the server is killed, seen from a group of commands. */
enum kill_moment { KILL_NEVER, KILL_BEFORE_COMMIT, KILL_BEFORE_ANSWERS, KILL_AFTER_ANSWERS };

/* Applies the commands in one group and takes them; kills the server and starts it again where
 * `kill` says so. */
MUST_USE int simulation_apply(struct simulation *simulation, struct command *group[], size_t n,
                              enum kill_moment kill, struct err *err);
/* Applies the request that has arrived, and all others of this millisecond, in one group, which may
 * be the last one of this server. */
MUST_USE int simulation_serve(struct simulation *simulation, const struct event *first,
                              struct err *err);
/* struct world's `answered`: puts the answer on the network. `context` is the simulation. */
void simulation_answered(void *context, struct command *command);
/* struct world's `refused`, of a group that was undone: an agent's timer repeats its request. */
void simulation_refused(void *context, const struct command *command);

#endif

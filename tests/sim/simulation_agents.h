/* The workers of a simulation, as the server sees them: each asks for a lease, measures, sends
 * heartbeats and a result, repeats what was not answered, falls silent, dies and is replaced. */
#ifndef TESTS_SIM_SIMULATION_AGENTS_H
#define TESTS_SIM_SIMULATION_AGENTS_H

#include "tests/sim/simulation.h"

/* What the agent waits to be answered. */
enum agent_request {
    REQUEST_ASK,
    REQUEST_MEASURE,
    REQUEST_HEARTBEAT,
    REQUEST_RESULT,
    REQUEST_RELEASE,
    REQUEST_NONE
};

struct agent {
    struct worker worker;
    char name[24];
    unsigned n_lives;
    enum agent_request request;
    char request_id[40];
    char lease[LEASE_ID_BYTES]; /* empty: none */
    char body[160];
};

/* Every agent starts within the time that a crashed one is down. */
void simulation_start_agents(struct simulation *simulation);
/* Something that the agent planned: it sends its next request, or the same again. */
void simulation_wake_agent(struct simulation *simulation, struct agent *agent);
/* An answer to the agent's request has arrived. */
void simulation_answer_agent(struct simulation *simulation, struct agent *agent,
                             const struct command *answer);

#endif

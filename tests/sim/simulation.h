/* One simulated cluster around the whole tuning module: the real tuning/, schedules and store
 * (world.h), agents that lease and train, a user, a network, and a server that is killed, whose
 * disk fails for a group and whose clock is set.
 *
 * The state that its parts share. simulation_agents.h has the workers, simulation_user.h the user,
 * simulation_server.h applies requests and kills the server, simulation_run.h runs it all. */
#ifndef TESTS_SIM_SIMULATION_H
#define TESTS_SIM_SIMULATION_H

#include "tests/sim/common/events.h"
#include "tests/sim/common/network.h"
#include "tests/sim/common/worker.h"
#include "tests/sim/idle.h"
#include "tests/sim/record.h"

#define SIMULATION_TTL_SECONDS 15
#define SIMULATION_STUDIES 7

struct simulation_options {
    uint64_t seed;
    size_t n_agents;
    unsigned n_trials;   /* of all studies together */
    unsigned kill_every; /* the server is killed in one group of so many, and as often a group fails
                            and the clock is set */
    int bug;             /* planted while the server runs (idle.h); -1: none */
    FILE *trace;         /* every line of the history as well, or NULL */
};

/* The members of struct event: worker, turn, op and message (struct command, owned). */
enum simulation_event { EVENT_WAKE, EVENT_REQUEST, EVENT_ANSWER };

struct agent;  /* simulation_agents.h */
struct origin; /* of a command in flight */

struct simulation {
    const struct simulation_options *options;
    struct world world;
    struct record record;
    struct idle idle;
    struct rng rng;
    struct events events;
    struct network network;
    struct worker_faults faults;
    struct agent *agents;
    struct origin *origins; /* of all commands: one may be lost with its server */
    int64_t n_requests;
    unsigned n_enqueued;
    size_t n_kills;
    size_t n_failed_groups; /* undone, as a statement failed */
    size_t n_clock_steps;   /* the wall clock was set */
    bool fails_next;        /* the next group with enough statements is undone */
    bool loses_answers;     /* the server is being killed: its answers are lost */
};

/* A server without studies. Call simulation_finish() also where this fails. */
MUST_USE int simulation_init(struct simulation *simulation,
                             const struct simulation_options *options, struct err *err);
void simulation_finish(struct simulation *simulation);

/* ---- what a command in flight belongs to ---- */

#define SIMULATION_USER SIZE_MAX /* in place of an agent's number */

struct origin {
    size_t agent;
    int64_t turn;
    int64_t op;
    int64_t wall_offset_ms; /* of the answer */
    struct origin *next;
};

void simulation_set_origin(struct simulation *simulation, struct command *command, size_t agent,
                           int64_t turn, int64_t op);

#endif

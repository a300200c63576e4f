#include "tests/sim/simulation.h"

#include <stdlib.h>

#include "tests/sim/simulation_agents.h"
#include "tests/sim/simulation_server.h"

int simulation_init(struct simulation *simulation, const struct simulation_options *options,
                    struct err *err)
{
    *simulation = (struct simulation){
        .options = options,
        .rng = rng_for(options->seed, 1),
        .network = {.lost = 20,
                    .slow = 10,
                    .repeated_late = 20,
                    .usual_ms = {0, 20},
                    .slow_ms = {100, 20000},
                    .late_ms = {0, 10000}},
        .faults = {.crash = 10,
                   .down_ms = {0, 60000},
                   .silence = 15,
                   .silence_ms = {SIMULATION_TTL_SECONDS * 1000,
                                  4 * SIMULATION_TTL_SECONDS * 1000}},
    };
    record_init(&simulation->record, options->trace);
    events_init(&simulation->events, &simulation->world.clock);
    simulation->agents = calloc(options->n_agents, sizeof *simulation->agents);
    if (simulation->agents == NULL) {
        abort();
    }
    TRY(world_open(&simulation->world, options->seed, err));
    simulation->world.answered = simulation_answered;
    simulation->world.refused = simulation_refused;
    simulation->world.context = simulation;
    return 0;
}

void simulation_finish(struct simulation *simulation)
{
    while (events_next(&simulation->events) != NULL) {
        command_destroy(events_take(&simulation->events).message);
    }
    events_finish(&simulation->events);
    while (simulation->origins != NULL) {
        struct origin *next = simulation->origins->next;

        free(simulation->origins);
        simulation->origins = next;
    }
    free(simulation->agents);
    simulation->world.answered = NULL;
    world_finish(&simulation->world);
    idle_finish(&simulation->idle);
    record_finish(&simulation->record);
}

void simulation_set_origin(struct simulation *simulation, struct command *command, size_t agent,
                           int64_t turn, int64_t op)
{
    struct origin *origin = malloc(sizeof *origin);

    if (origin == NULL) {
        abort();
    }
    *origin = (struct origin){.agent = agent, .turn = turn, .op = op, .next = simulation->origins};
    simulation->origins = origin;
    command->origin = origin;
}

#include "tests/sim/simulation_server.h"

#define GROUP_MAX 64

int simulation_apply(struct simulation *simulation, struct command *group[], size_t n,
                     enum kill_moment kill, struct err *err)
{
    if (kill != KILL_NEVER) {
        simulation->n_kills++;
        record_fault(&simulation->record, simulation->world.clock.now_ms, "kill");
    }
    if (kill == KILL_BEFORE_COMMIT) {
        return world_crash(&simulation->world, group, n, err);
    }
    simulation->loses_answers = kill == KILL_BEFORE_ANSWERS;
    TRY(world_group(&simulation->world, group, n, err));
    simulation->loses_answers = false;
    return kill != KILL_NEVER ? world_restart(&simulation->world, err) : 0;
}

static struct command *take_command(struct simulation *simulation, const struct event *request)
{
    simulation_set_origin(simulation, request->message, request->worker, request->turn,
                          request->op);
    return request->message;
}

int simulation_serve(struct simulation *simulation, const struct event *first, struct err *err)
{
    struct command *group[GROUP_MAX];
    const struct event *next;
    size_t n = 0;
    enum kill_moment kill = KILL_NEVER;

    if (rng_below(&simulation->rng, simulation->options->kill_every) == 0) {
        kill = (enum kill_moment)chance_between(&simulation->rng, KILL_BEFORE_COMMIT,
                                                KILL_AFTER_ANSWERS);
    }
    group[n++] = take_command(simulation, first);
    while (n < GROUP_MAX && (next = events_next(&simulation->events)) != NULL
           && next->at_ms == first->at_ms && next->kind == EVENT_REQUEST) {
        struct event event = events_take(&simulation->events);

        group[n++] = take_command(simulation, &event);
    }
    return simulation_apply(simulation, group, n, kill, err);
}

void simulation_answered(void *context, struct command *command)
{
    struct simulation *simulation = context;
    const struct origin *origin = command->origin;

    if (origin != NULL && origin->agent == SIMULATION_USER && !simulation->loses_answers) {
        record_answer(&simulation->record, simulation->world.clock.now_ms, origin->op, command);
    }
    if (origin == NULL || origin->agent == SIMULATION_USER || simulation->loses_answers
        || network_loses(&simulation->network, &simulation->rng)) {
        command_destroy(command);
        return;
    }
    events_add(&simulation->events, network_latency_ms(&simulation->network, &simulation->rng),
               (struct event){.kind = EVENT_ANSWER,
                              .worker = origin->agent,
                              .turn = origin->turn,
                              .op = origin->op,
                              .message = command});
}

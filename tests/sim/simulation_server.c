#include "tests/sim/simulation_server.h"

#include "tests/support/failing_statements.h"

#define GROUP_MAX 64
#define STATEMENTS_MAX 8 /* most groups have as many */
#define DAY_MS INT64_C(86400000)

static bool happens_now(struct simulation *simulation)
{
    return rng_below(&simulation->rng, simulation->options->kill_every) == 0;
}

/* By seconds or days, ahead or back. */
static void set_clock(struct simulation *simulation)
{
    int64_t most_ms = chance_happens(&simulation->rng, 500) ? 60000 : 3 * DAY_MS;

    simulation->n_clock_steps++;
    simulation->world.clock.wall_offset_ms += chance_between(&simulation->rng, -most_ms, most_ms);
    record_fault(&simulation->record, simulation->world.clock.now_ms, "clock");
}

/* One of its statements fails, as where a page cannot be read, unless there are fewer. */
static int fail_group(struct simulation *simulation, struct command *group[], size_t n,
                      struct err *err)
{
    struct world *world = &simulation->world;
    size_t k = (size_t)chance_between(&simulation->rng, 1, STATEMENTS_MAX);
    bool has_failed;

    world->fail_at = statement_fail_at;
    world->has_failed = statement_has_failed;
    int result = world_fail(world, group, n, k, &has_failed, err);
    world->fail_at = NULL;
    TRY(result);
    if (has_failed) {
        simulation->fails_next = false;
        simulation->n_failed_groups++;
        record_fault(&simulation->record, world->clock.now_ms, "failed group");
    }
    return 0;
}

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
    simulation->fails_next = simulation->fails_next || happens_now(simulation);
    if (kill == KILL_NEVER && simulation->fails_next) {
        return fail_group(simulation, group, n, err);
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

    if (happens_now(simulation)) {
        set_clock(simulation);
    }
    if (happens_now(simulation)) {
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
    struct origin *origin = command->origin;

    if (origin != NULL) {
        origin->wall_offset_ms = simulation->world.clock.wall_offset_ms;
        simulation->record.wall_offset_ms = origin->wall_offset_ms;
    }
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

void simulation_refused(void *context, const struct command *command)
{
    struct simulation *simulation = context;
    const struct origin *origin = command->origin;

    if (origin != NULL && origin->agent == SIMULATION_USER) {
        record_answer(&simulation->record, simulation->world.clock.now_ms, origin->op, command);
    }
}

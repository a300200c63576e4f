#include "tests/sim/simulation_user.h"

#include <stdio.h>

#include "tests/sim/simulation_server.h"

static struct command *enqueue(struct simulation *simulation, unsigned number)
{
    struct command *command;
    char key[24];
    char body[64];
    char input[128];

    (void)snprintf(key, sizeof key, "k%u", number);
    (void)snprintf(body, sizeof body, "{\"parameters\":{\"x\":0.%04u}}", number % 9000 + 1000);
    (void)snprintf(input, sizeof input,
                   "{\"study\":\"s0\",\"key\":\"%s\",\"items\":[{\"x\":0.%04u}]}", key,
                   number % 9000 + 1000);
    command = world_add_trials("s0", body, key);
    simulation_set_origin(simulation, command, SIMULATION_USER, 0,
                          record_invoke(&simulation->record, simulation->world.clock.now_ms, "user",
                                        "enqueue", input));
    return command;
}

static struct command *choose(struct simulation *simulation)
{
    struct rng *rng = &simulation->rng;
    int64_t trial = chance_between(rng, 1, simulation->options->n_trials / SIMULATION_STUDIES);

    switch (rng_below(rng, 10)) {
    case 0:
        return world_cancel_trial(chance_happens(rng, 500) ? "s1" : "s2", trial);
    case 1:
        return world_patch_study("s1", "{\"state\":\"paused\"}");
    case 2:
    case 3:
        return world_patch_study("s1", "{\"state\":\"running\"}");
    case 4:
        return enqueue(simulation, simulation->n_enqueued); /* the last one again */
    default:
        return enqueue(simulation, ++simulation->n_enqueued);
    }
}

int simulation_user_acts(struct simulation *simulation, struct err *err)
{
    struct command *command = choose(simulation);
    enum kill_moment kill = KILL_NEVER;

    if (rng_below(&simulation->rng, simulation->options->kill_every) == 0) {
        kill = chance_happens(&simulation->rng, 500) ? KILL_BEFORE_COMMIT : KILL_BEFORE_ANSWERS;
    }
    return simulation_apply(simulation, &command, 1, kill, err);
}

#include "tests/sim/simulation_run.h"

#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/simulation_agents.h"
#include "tests/sim/simulation_server.h"
#include "tests/sim/simulation_user.h"

#define HORIZON_MS INT64_C(86400000) /* the studies must end within a day */

/* ---- studies ---- */

static int create_studies(struct simulation *simulation, struct err *err)
{
    static const char *const shapes[SIMULATION_STUDIES] = {
        "\"strategy\":\"random\",\"parameters\":[{\"name\":\"x\",\"type\":\"float\",\"low\":0,"
        "\"high\":1}]",
        "\"strategy\":\"grid\",\"parameters\":[{\"name\":\"x\",\"type\":\"int\",\"low\":1,"
        "\"high\":100000}]",
        "\"strategy\":\"hyperband\",\"resource\":{\"min\":1,\"max\":9},\"parameters\":"
        "[{\"name\":\"x\",\"type\":\"float\",\"low\":0,\"high\":1}]",
        "\"strategy\":{\"name\":\"asha\",\"mode\":\"stopping\"},\"resource\":{\"min\":1,"
        "\"max\":9},\"stopping\":{\"rule\":\"median\"},\"parameters\":"
        "[{\"name\":\"x\",\"type\":\"float\",\"low\":0,\"high\":1}]",
        "\"strategy\":{\"name\":\"asha\",\"mode\":\"predictive\",\"search\":\"random\",\"serving\":"
        "\"exact\"},"
        "\"resource\":{\"min\":1,\"max\":9},\"parameters\":"
        "[{\"name\":\"x\",\"type\":\"float\",\"low\":0,\"high\":1}]",
        "\"strategy\":\"asha\",\"resource\":{\"min\":1,\"max\":9},\"parameters\":"
        "[{\"name\":\"x\",\"type\":\"float\",\"low\":0,\"high\":1}]",
        "\"strategy\":{\"name\":\"hyperband\",\"rounds\":2,\"quorum\":0.8},\"resource\":"
        "{\"min\":1,\"max\":9},\"parameters\":"
        "[{\"name\":\"x\",\"type\":\"float\",\"low\":0,\"high\":1}]",
    };
    char body[640];
    char input[64];

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        (void)snprintf(
            body, sizeof body,
            "{\"name\":\"s%zu\",\"metric\":\"loss\",\"direction\":\"minimize\",\"seed\":%zu,"
            "\"lease\":{\"ttl_seconds\":%d},\"limits\":{\"trials\":%u,\"retries\":%zu},%s}",
            i, i, SIMULATION_TTL_SECONDS, simulation->options->n_trials / SIMULATION_STUDIES, i % 2,
            shapes[i]);
        (void)snprintf(input, sizeof input, "{\"study\":\"s%zu\"}", i);
        (void)record_invoke(&simulation->record, simulation->world.clock.now_ms, "user", "create",
                            input);
        TRY(world_do(&simulation->world, world_create_study(body), err));
    }
    return tuning_last_seq(simulation->world.tuning) >= (int64_t)(sizeof shapes / sizeof *shapes)
               ? 0
               : err_set(err, ERR_INVALID, "the server did not create all studies");
}

static int count_open(void *context, struct trial_row *row, struct err *err)
{
    (void)err;
    *(size_t *)context += 1;
    trial_row_finish(row);
    return 0;
}

static int count_running(void *context, struct study_row *row, struct err *err)
{
    (void)err;
    *(size_t *)context += row->state != STUDY_FINISHED;
    study_row_finish(row);
    return 0;
}

/* The store decides; checked every few events. */
static int is_over(struct simulation *simulation, bool *over, struct err *err)
{
    size_t n_open = 0;
    size_t n_running = 0;

    TRY(store_each_study(simulation->world.store, count_running, &n_running, err));
    if (n_running == 0) {
        TRY(store_each_open_trial(simulation->world.store, count_open, &n_open, err));
    }
    *over = n_running == 0 && n_open == 0;
    return 0;
}

/* ---- events ---- */

static void receive_answer(struct simulation *simulation, const struct event *event)
{
    struct agent *agent = &simulation->agents[event->worker];
    const struct command *answer = event->message;
    const struct origin *origin = answer->origin;

    simulation->record.wall_offset_ms = origin->wall_offset_ms;
    record_answer(&simulation->record, simulation->world.clock.now_ms, event->op, event->message);
    if (event->turn == agent->worker.turn) {
        simulation_answer_agent(simulation, agent, event->message);
    }
    command_destroy(event->message);
}

static int handle_event(struct simulation *simulation, struct err *err)
{
    struct event event = events_take(&simulation->events);
    struct agent *agent = &simulation->agents[event.worker];

    TRY(world_advance(&simulation->world, event.at_ms, err));
    switch ((enum simulation_event)event.kind) {
    case EVENT_WAKE:
        if (event.turn == agent->worker.turn) {
            simulation_wake_agent(simulation, agent);
        }
        break;
    case EVENT_REQUEST:
        TRY(simulation_serve(simulation, &event, err));
        break;
    case EVENT_ANSWER:
        receive_answer(simulation, &event);
        break;
    default:
        break;
    }
    if (simulation->options->bug >= 0) {
        idle_plant(&simulation->world, (size_t)simulation->options->bug);
    }
    return idle_check(&simulation->idle, &simulation->world, err);
}

int simulation_run(struct simulation *simulation, struct err *err)
{
    const struct event *next;
    bool over = false;

    TRY(create_studies(simulation, err));
    simulation_start_agents(simulation);
    for (size_t n = 0; !over && (next = events_next(&simulation->events)) != NULL; n++) {
        if (next->at_ms > HORIZON_MS) {
            return err_set(err, ERR_INVALID, "the studies are not finished after a day");
        }
        TRY(handle_event(simulation, err));
        if (n % 64 == 0) {
            TRY(simulation_user_acts(simulation, err));
        }
        if (n % 256 == 0) {
            TRY(is_over(simulation, &over, err));
        }
    }
    return record_dump(&simulation->record, &simulation->world, err);
}

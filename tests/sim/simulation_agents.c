#include "tests/sim/simulation_agents.h"

#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/common/curves.h"

#define TIMEOUT_MS 3000
#define WAIT_SECONDS 30

static size_t number_of(const struct simulation *simulation, const struct agent *agent)
{
    return (size_t)(agent - simulation->agents);
}

static void wake(struct simulation *simulation, const struct agent *agent, int64_t in_ms)
{
    events_add(&simulation->events, in_ms,
               (struct event){.kind = EVENT_WAKE,
                              .worker = number_of(simulation, agent),
                              .turn = agent->worker.turn});
}

/* ---- requests ---- */

static struct command *make_command(const struct agent *agent)
{
    char ask[160];

    switch (agent->request) {
    case REQUEST_ASK:
        (void)snprintf(ask, sizeof ask,
                       "{\"worker\":\"%s\",\"request_id\":\"%s\",\"wait_seconds\":%d}", agent->name,
                       agent->request_id, WAIT_SECONDS);
        return world_ask("", ask);
    case REQUEST_MEASURE:
        return world_measure(agent->lease, agent->body);
    case REQUEST_HEARTBEAT:
        return world_heartbeat(agent->lease);
    case REQUEST_RESULT:
        return world_result(agent->lease, agent->body);
    case REQUEST_RELEASE:
        return world_release(agent->lease);
    case REQUEST_NONE:
    default:
        return NULL;
    }
}

static int64_t record_request(struct simulation *simulation, const struct agent *agent)
{
    static const char *const kinds[] = {"lease", "measure", "heartbeat", "result", "release"};
    char input[320];

    if (agent->request == REQUEST_ASK) {
        (void)snprintf(input, sizeof input, "{\"worker\":\"%s\",\"request_id\":\"%s\"}",
                       agent->name, agent->request_id);
    } else if (agent->request == REQUEST_MEASURE || agent->request == REQUEST_RESULT) {
        (void)snprintf(input, sizeof input, "{\"lease\":\"%s\",\"body\":%s}", agent->lease,
                       agent->body);
    } else {
        (void)snprintf(input, sizeof input, "{\"lease\":\"%s\"}", agent->lease);
    }
    return record_invoke(&simulation->record, simulation->world.clock.now_ms, agent->name,
                         kinds[agent->request], input);
}

/* Puts one copy on the network, `extra_ms` from now. */
static void send_copy(struct simulation *simulation, const struct agent *agent, int64_t extra_ms)
{
    int64_t in_ms = extra_ms + network_latency_ms(&simulation->network, &simulation->rng);
    struct event event = {.kind = EVENT_REQUEST,
                          .worker = number_of(simulation, agent),
                          .turn = agent->worker.turn,
                          .op = record_request(simulation, agent)};

    if (!network_loses(&simulation->network, &simulation->rng)) {
        event.message = make_command(agent);
        events_add(&simulation->events, in_ms, event);
    }
}

/* Sends, perhaps twice, and wakes up when no answer has come in time. */
static void send_request(struct simulation *simulation, const struct agent *agent)
{
    int64_t after_ms;

    send_copy(simulation, agent, 0);
    if (network_repeats_late(&simulation->network, &simulation->rng, &after_ms)) {
        send_copy(simulation, agent, after_ms);
    }
    wake(simulation, agent, TIMEOUT_MS + (agent->request == REQUEST_ASK ? WAIT_SECONDS * 1000 : 0));
}

static void ask(struct simulation *simulation, struct agent *agent)
{
    worker_next_turn(&agent->worker);
    agent->request = REQUEST_ASK;
    (void)snprintf(agent->request_id, sizeof agent->request_id, "r%" PRId64,
                   ++simulation->n_requests);
    send_request(simulation, agent);
}

static void write_measurement(struct simulation *simulation, struct agent *agent)
{
    agent->worker.step++;
    (void)snprintf(agent->body, sizeof agent->body,
                   "{\"measurements\":[{\"step\":%" PRId64 ",\"metrics\":{\"loss\":%.3f}}]}",
                   agent->worker.step, curves_draw(&simulation->rng));
}

static void write_result(struct simulation *simulation, struct agent *agent)
{
    static const char *const outcomes[] = {"failed", "infeasible", "preempted"};
    uint64_t pick = rng_below(&simulation->rng, 20);

    if (pick < 3) {
        (void)snprintf(agent->body, sizeof agent->body, "{\"outcome\":\"%s\"}", outcomes[pick]);
    } else {
        (void)snprintf(agent->body, sizeof agent->body,
                       "{\"outcome\":\"completed\",\"step\":%" PRId64 ",\"metrics\":{\"loss\":%s}}",
                       agent->worker.step,
                       pick == 3   ? "\"NaN\""
                       : pick < 10 ? "0.25"
                                   : "0.5");
    }
}

/* The next request under a lease. */
static void send_next(struct simulation *simulation, struct agent *agent)
{
    worker_next_turn(&agent->worker);
    if (agent->worker.step < agent->worker.until) {
        if (chance_happens(&simulation->rng, 300)) {
            agent->request = REQUEST_HEARTBEAT;
        } else {
            agent->request = REQUEST_MEASURE;
            write_measurement(simulation, agent);
        }
    } else if (chance_happens(&simulation->rng, 30)) {
        agent->request = REQUEST_RELEASE;
    } else {
        agent->request = REQUEST_RESULT;
        write_result(simulation, agent);
    }
    send_request(simulation, agent);
}

static void replace(struct simulation *simulation, struct agent *agent)
{
    agent->n_lives++;
    worker_next_turn(&agent->worker);
    agent->request = REQUEST_NONE;
    agent->lease[0] = '\0';
    (void)snprintf(agent->name, sizeof agent->name, "w%zu.%u", number_of(simulation, agent),
                   agent->n_lives);
    wake(simulation, agent, worker_down_ms(&simulation->faults, &simulation->rng));
}

/* A pause in which it trains, is silent, or dies. */
static void train(struct simulation *simulation, struct agent *agent)
{
    worker_next_turn(&agent->worker);
    agent->request = REQUEST_NONE;
    if (worker_crashes(&simulation->faults, &simulation->rng)) {
        replace(simulation, agent);
        return;
    }
    int64_t pause_ms = worker_silence_ms(&simulation->faults, &simulation->rng);
    if (pause_ms == 0) {
        pause_ms = worker_training_ms(&agent->worker, 1, &simulation->rng);
    }
    wake(simulation, agent, pause_ms);
}

void simulation_wake_agent(struct simulation *simulation, struct agent *agent)
{
    if (agent->request != REQUEST_NONE) {
        send_request(simulation, agent); /* no answer: the same again */
    } else if (agent->lease[0] != '\0') {
        send_next(simulation, agent);
    } else {
        ask(simulation, agent);
    }
}

/* ---- answers ---- */

static void drop_lease(struct simulation *simulation, struct agent *agent)
{
    worker_next_turn(&agent->worker);
    agent->request = REQUEST_NONE;
    agent->lease[0] = '\0';
    wake(simulation, agent, chance_between(&simulation->rng, 0, 2000));
}

static void on_grant(struct simulation *simulation, struct agent *agent,
                     const struct lease_grant *grant)
{
    (void)snprintf(agent->lease, sizeof agent->lease, "%s", grant->id);
    agent->worker.step = grant->has_resource ? grant->from : 0;
    agent->worker.until = chance_between(&simulation->rng, 0, 4);
    if (grant->has_resource && !chance_happens(&simulation->rng, 50)) {
        agent->worker.until = grant->to; /* else it ends by itself, early or late */
    }
    train(simulation, agent);
}

/* What a report or a heartbeat was answered. */
static const struct action_reply *action_of(const struct command *answer)
{
    return answer->kind == COMMAND_MEASURE ? &as_const_measure(answer)->out.action
                                           : &as_const_heartbeat(answer)->out.action;
}

void simulation_answer_agent(struct simulation *simulation, struct agent *agent,
                             const struct command *answer)
{
    if (answer->err.code == ERR_OVERLOADED) {
        return; /* its timer repeats the request */
    }
    if (answer->kind == COMMAND_ASK && answer->err.code == ERR_NONE
        && as_const_ask(answer)->out.granted) {
        on_grant(simulation, agent, &as_const_ask(answer)->out.grant);
    } else if (answer->kind == COMMAND_ASK || answer->kind == COMMAND_RESULT
               || answer->kind == COMMAND_RELEASE || answer->err.code != ERR_NONE
               || action_of(answer)->action == ACTION_ABORT) {
        drop_lease(simulation, agent);
    } else {
        if (action_of(answer)->action != ACTION_CONTINUE) {
            agent->worker.until = agent->worker.step;
        } else if (action_of(answer)->has_until && agent->worker.until < action_of(answer)->until
                   && chance_happens(&simulation->rng, 900)) {
            agent->worker.until = action_of(answer)->until; /* promoted; a few stop all the same */
        }
        train(simulation, agent);
    }
}

void simulation_start_agents(struct simulation *simulation)
{
    for (size_t i = 0; i < simulation->options->n_agents; i++) {
        simulation->agents[i].worker.ms_per_step = (struct span){10, 8000};
        replace(simulation, &simulation->agents[i]);
    }
}

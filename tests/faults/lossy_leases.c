/* Leases over a network that loses 30 % of all messages and delays the others by two seconds: none
 * may end although its worker lives. The leases are those of the agent (worker/agent/lease.h), the
 * server is the real tuning module, and time is simulated; the linker puts this network before the
 * agent's HTTP client (meson.build).
 *
 *   lossy_leases [WORKERS [MINUTES [SEED]]]      (1,000, 5, 1)
 *
 * As if each request and each answer were one datagram: nothing repeats it but the agent. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "tests/sim/common/events.h"
#include "tests/sim/common/network.h"
#include "tests/sim/world.h"
#include "worker/agent/extra_heartbeats.h"
#include "worker/agent/lease.h"

#define TTL_SECONDS 60
#define DELAY_MS 2000
#define LOST 300 /* of 1000 messages */

enum { EVENT_TICK, EVENT_REQUEST, EVENT_ANSWER, EVENT_TIMEOUT };

/* A call of the agent. It stays until nothing can happen to it any more. */
struct call {
    http_done *done; /* NULL: answered, timed out or cancelled */
    void *context;
    size_t worker;
    char lease[LEASE_ID_BYTES];
    char said[200]; /* the server's answer */
    int holders;    /* events and the server */
};

struct worker {
    struct lease *lease;
    struct lease_grant grant;
    size_t under_way, most_under_way; /* calls */
};

static struct {
    struct world world;
    struct events events;
    struct network network;
    struct rng rng;
    struct loop loop; /* of all agents */
    struct notes notes;
    struct worker *workers;
    size_t n_workers, n_lost, n_calls, n_messages, n_dropped;
    size_t ticking;              /* the worker that is being called */
    struct lease_grant *granted; /* of the ask that is under way */
} sim;

static void drop(struct call *call)
{
    if (--call->holders == 0) {
        free(call);
    }
}

static void later(int64_t in_ms, int kind, struct call *call)
{
    events_add(&sim.events, in_ms,
               (struct event){.kind = kind, .worker = call->worker, .message = call});
    call->holders++;
}

static void tick_later(size_t number)
{
    int64_t at_ms = lease_deadline(sim.workers[number].lease);

    if (at_ms != INT64_MAX) {
        int64_t in_ms = at_ms - sim.world.clock.now_ms;
        events_add(&sim.events, in_ms > 0 ? in_ms : 0,
                   (struct event){.kind = EVENT_TICK, .worker = number, .at_ms = at_ms});
    }
}

/* ---- the network, in place of the agent's HTTP client ---- */

static void transmit(int kind, struct call *call)
{
    sim.n_messages++;
    if (network_loses(&sim.network, &sim.rng)) {
        sim.n_dropped++;
    } else {
        later(network_latency_ms(&sim.network, &sim.rng), kind, call);
    }
}

int __wrap_http_async_start(struct http_async *async, const struct http_call *call, http_done *done,
                            void *context, struct http_transfer **transfer, struct err *err);
void __wrap_http_async_cancel(struct http_transfer *transfer);

int __wrap_http_async_start(struct http_async *async, const struct http_call *call, http_done *done,
                            void *context, struct http_transfer **transfer, struct err *err)
{
    struct call *made = calloc(1, sizeof *made);

    (void)async;
    (void)err;
    if (made == NULL || strcmp(call->method, "PUT") != 0 || call->body_len > 0) {
        abort(); /* these agents send nothing but heartbeats */
    }
    *made = (struct call){.done = done, .context = context, .worker = sim.ticking};
    (void)snprintf(made->lease, sizeof made->lease, "%s", strrchr(call->path, '/') + 1);
    sim.n_calls++;
    struct worker *worker = &sim.workers[made->worker];
    worker->under_way++;
    if (worker->under_way > worker->most_under_way) {
        worker->most_under_way = worker->under_way;
    }
    later(call->timeout_ms, EVENT_TIMEOUT, made);
    transmit(EVENT_REQUEST, made);
    *transfer = (struct http_transfer *)made;
    return 0;
}

void __wrap_http_async_cancel(struct http_transfer *transfer)
{
    if (transfer != NULL) {
        struct call *call = (struct call *)transfer;
        call->done = NULL; /* its timeout lets go of it */
        sim.workers[call->worker].under_way--;
    }
}

static void finish(struct call *call, int rc, const struct http_answer *answer, struct err *err)
{
    http_done *done = call->done;

    if (done != NULL) {
        call->done = NULL;
        sim.workers[call->worker].under_way--;
        sim.ticking = call->worker;
        done(call->context, rc, answer, err);
        tick_later(call->worker);
    }
}

/* ---- the server ---- */

static void serve(struct call *call)
{
    struct command *command = world_heartbeat(call->lease);
    struct err err = {0};

    command->origin = call;
    call->holders++;
    if (world_do(&sim.world, command, &err) != 0) {
        (void)fprintf(stderr, "lossy_leases: %s\n", err.text);
        abort();
    }
}

static void write_answer(struct call *call, const struct action_reply *reply)
{
    OWN(buf) struct buf text;
    struct json_writer w;

    buf_init(&text, sizeof call->said - 1);
    json_writer_init(&w, &text);
    action_reply_write(reply, &w);
    (void)snprintf(call->said, sizeof call->said, "%s", buf_text(&text));
}

static void take_answer(void *context, struct command *command)
{
    struct call *call = command->origin;

    (void)context;
    if (command->kind == COMMAND_ASK) {
        const struct lease_grant *grant = &as_ask(command)->out.grant;
        *sim.granted = (struct lease_grant){.trial = grant->trial,
                                            .attempt = grant->attempt,
                                            .ttl_seconds = grant->ttl_seconds,
                                            .heartbeat_seconds = grant->heartbeat_seconds};
        memcpy(sim.granted->id, grant->id, sizeof sim.granted->id);
    } else if (command->kind == COMMAND_HEARTBEAT) {
        if (command->err.code == ERR_NONE) {
            write_answer(call, &as_heartbeat(command)->out.action);
            transmit(EVENT_ANSWER, call);
        } else {
            sim.n_lost++;
        }
        drop(call);
    }
    command_destroy(command);
}

static void answer(struct call *call)
{
    struct http_answer said = {.status = 200, .retry_after_seconds = -1};
    struct err err = {0};

    (void)snprintf(said.content_type, sizeof said.content_type, "application/json");
    buf_init(&said.body, 4096);
    buf_puts(&said.body, call->said);
    finish(call, 0, &said, &err);
    http_answer_finish(&said);
}

/* ---- the workers ---- */

static void on_action(void *context, const struct action_reply *reply)
{
    (void)context;
    (void)reply;
}

static void on_text(void *context, const char *why)
{
    (void)context;
    (void)why;
}

static void on_offline(void *context)
{
    (void)context;
}

static void on_closed(void *context, const char *state, bool is_excluded)
{
    (void)context;
    (void)state;
    (void)is_excluded;
}

static void on_error(void *context, const struct err *err)
{
    (void)context;
    (void)err;
}

static void on_reach(void *context, bool reached, const char *why)
{
    (void)context;
    (void)reached;
    (void)why;
}

static void must(int result, const struct err *err)
{
    if (result != 0) {
        (void)fprintf(stderr, "lossy_leases: %s\n", err->text);
        exit(2);
    }
}

static void start_worker(size_t number)
{
    struct worker *worker = &sim.workers[number];
    struct lease_settings settings = {
        .grant = &worker->grant,
        .notes = &sim.notes,
        .offline_ms = 2400000,
        .hooks = {on_action, on_text, on_offline, on_closed, on_error, on_error, on_reach, NULL,
                  NULL},
    };
    struct err err = {0};
    char ask[64];

    (void)snprintf(ask, sizeof ask, "{\"worker\":\"w%zu\"}", number);
    sim.granted = &worker->grant;
    must(world_do(&sim.world, world_ask("s", ask), &err), &err);
    must(lease_create(&sim.loop, &settings, &worker->lease, &err), &err);
    tick_later(number);
}

static void start(size_t n, uint64_t seed)
{
    struct err err = {0};

    sim.rng = rng_for(seed, 1);
    sim.network = (struct network){.lost = LOST, .usual_ms = {DELAY_MS, DELAY_MS}};
    must(world_open(&sim.world, seed, &err), &err);
    sim.world.answered = take_answer;
    events_init(&sim.events, &sim.world.clock);
    sim.loop = (struct loop){
        .epoll = -1, .clock = &sim.world.clock.clock, .rng = rng_for(seed, 2), .backoff_ms = 500};
    notes_init(&sim.notes, 1);
    sim.n_workers = n;
    sim.workers = calloc(n, sizeof *sim.workers);
    if (sim.workers == NULL) {
        abort();
    }
    must(world_do(
             &sim.world,
             world_create_study("{\"name\":\"s\",\"metric\":\"loss\",\"direction\":\"minimize\","
                                "\"strategy\":\"random\",\"lease\":{\"ttl_seconds\":60},"
                                "\"parameters\":[{\"name\":\"x\",\"type\":\"float\",\"low\":0,"
                                "\"high\":1}]}"),
             &err),
         &err);
    for (size_t i = 0; i < n; i++) {
        start_worker(i);
    }
}

static void handle(struct event event)
{
    struct call *call = event.message;
    struct err err = {0};

    switch (event.kind) {
    case EVENT_REQUEST:
        serve(call);
        break;
    case EVENT_ANSWER:
        answer(call);
        break;
    case EVENT_TIMEOUT:
        (void)err_set(&err, ERR_UNREACHABLE, "no answer in time");
        finish(call, -1, NULL, &err);
        break;
    case EVENT_TICK:
    default:
        sim.ticking = event.worker;
        if (lease_deadline(sim.workers[event.worker].lease) <= sim.world.clock.now_ms) {
            lease_tick(sim.workers[event.worker].lease);
            tick_later(event.worker);
        }
        return;
    }
    drop(call);
}

static void run(int64_t until_ms)
{
    const struct event *next;
    struct err err = {0};

    while ((next = events_next(&sim.events)) != NULL && next->at_ms <= until_ms) {
        struct event event = events_take(&sim.events);
        must(world_advance(&sim.world, event.at_ms, &err), &err);
        handle(event);
    }
}

static void finish_all(void)
{
    for (size_t i = 0; i < sim.n_workers; i++) {
        lease_destroy(sim.workers[i].lease);
    }
    while (events_next(&sim.events) != NULL) {
        struct event event = events_take(&sim.events);
        if (event.message != NULL) {
            drop(event.message);
        }
    }
    events_finish(&sim.events);
    sim.world.answered = NULL;
    world_finish(&sim.world);
    notes_finish(&sim.notes);
    free(sim.workers);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    int64_t minutes = argc > 2 ? strtol(argv[2], NULL, 10) : 5;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;

    json_start();
    start(n, seed);
    run(minutes * 60000);
    uint64_t expired = tuning_take_expired(sim.world.tuning);
    (void)printf("%zu workers, %" PRId64 " minutes, seed %" PRIu64
                 ": %zu calls, %zu of %zu messages "
                 "lost: %" PRIu64 " false expiries, %zu answered so\n",
                 n, minutes, seed, sim.n_calls, sim.n_dropped, sim.n_messages, expired, sim.n_lost);
    size_t most = 0;
    for (size_t i = 0; i < n; i++) {
        most = sim.workers[i].most_under_way > most ? sim.workers[i].most_under_way : most;
    }
    (void)printf("at most %zu calls of a worker at once\n", most);
    bool lossy = sim.n_dropped * 4 > sim.n_messages; /* else it proves nothing */
    finish_all();
    return expired == 0 && sim.n_lost == 0 && lossy && most <= 1 + EXTRA_HEARTBEATS ? EXIT_SUCCESS
                                                                                    : EXIT_FAILURE;
}

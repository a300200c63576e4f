/* simulate: a cluster in virtual time, in one thread, from one seed.
 *
 *   simulate [--seed N] [--seeds N] [--workers N] [--trials N] [--kill-every N]
 *            [--trace FILE]
 *   simulate --planted      bugs on purpose, under which workers wait: all must be found
 *
 * Thousands of workers ask, measure, report, fall silent, come back, die and are replaced, over a
 * network that loses, delays and repeats messages; a user enqueues, cancels, pauses and resumes;
 * the server is killed between, before and after its commits. All of it drives the real tuning/,
 * schedules and store. In the end every study must have come to its end, and the checker judges
 * what happened. The first seed is played twice: the same seed gives the same story to the last
 * byte. Whenever an ask waits, nothing legal may be there for it (idle.h). */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "tests/sim/idle.h"
#include "tests/sim/record.h"
#include "tests/support/checker.h"

#define HORIZON_MS INT64_C(86400000) /* a study must end within a day */
#define TIMEOUT_MS 3000
#define WAIT_SECONDS 30
#define GROUP_MAX 64
#define TTL_SECONDS 15
#define N_STUDIES 7

/* How often things go wrong, in thousandths. The server has a number of its own. */
struct chances {
    unsigned lose, twice, slow; /* a message */
    unsigned die, stall;        /* a worker, at each step */
};

enum doing { DOING_ASK, DOING_MEASURE, DOING_BEAT, DOING_RESULT, DOING_RELEASE, DOING_NOTHING };

struct worker {
    char name[24];
    unsigned life;
    enum doing doing;
    int64_t turn; /* grows with each thing it does; older timers and answers are void */
    char request[40];
    char lease[LEASE_ID_BYTES];
    char body[160];
    int64_t step, steps;
};

/* What happens later. */
enum happening { WORKER_WAKES, REQUEST_ARRIVES, ANSWER_ARRIVES };

struct event {
    int64_t at_ms;
    uint64_t order; /* among those of one moment */
    enum happening what;
    size_t worker;
    int64_t turn;
    int64_t op;
    struct command *command; /* owned; a request or an answer */
};

struct origin;

#define USER SIZE_MAX /* in place of a worker's number */

struct sim {
    struct world world;
    struct record record;
    struct idle idle;
    int bug; /* planted while the server runs; -1: none */
    struct rng rng;
    struct chances chances;
    size_t n_workers;
    struct worker *workers;
    size_t n_events, cap_events;
    struct origin *origins;
    struct event *events; /* a heap, the earliest on top */
    uint64_t n_ordered;
    int64_t n_requests;
    size_t n_kills;
    bool lose_answers; /* the server is dying: what it answers is not heard */
    unsigned n_enqueued;
    unsigned n_trials;
    unsigned kill_every; /* one group in so many is the server's last */
};

/* What a command in flight belongs to. */
struct origin {
    size_t worker;
    int64_t turn;
    int64_t op;
    struct origin *next; /* all there ever were: a command may die with its server */
};

static void set_origin(struct sim *sim, struct command *command, size_t worker, int64_t turn,
                       int64_t op)
{
    struct origin *origin = malloc(sizeof *origin);

    if (origin == NULL) {
        abort();
    }
    *origin = (struct origin){worker, turn, op, sim->origins};
    sim->origins = origin;
    command->origin = origin;
}

static bool happens(struct sim *sim, unsigned thousandths)
{
    return rng_below(&sim->rng, 1000) < thousandths;
}

static int64_t between(struct sim *sim, int64_t low, int64_t high)
{
    return low + (int64_t)rng_below(&sim->rng, (uint64_t)(high - low + 1));
}

/* ---- what happens later --------------------------------------------------------------------- */

static bool is_earlier(const struct event *a, const struct event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(struct event *a, struct event *b)
{
    struct event other = *a;

    *a = *b;
    *b = other;
}

static void later(struct sim *sim, struct event event)
{
    size_t at = sim->n_events;

    event.order = sim->n_ordered++;
    sim->events = grow(sim->events, sim->n_events, &sim->cap_events, sizeof *sim->events);
    sim->events[sim->n_events++] = event;
    while (at > 0 && is_earlier(&sim->events[at], &sim->events[(at - 1) / 2])) {
        swap(&sim->events[at], &sim->events[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static struct event take_event(struct sim *sim)
{
    struct event first = sim->events[0];
    size_t at = 0;

    sim->events[0] = sim->events[--sim->n_events];
    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= sim->n_events) {
            return first;
        }
        if (child + 1 < sim->n_events && is_earlier(&sim->events[child + 1], &sim->events[child])) {
            child++;
        }
        if (!is_earlier(&sim->events[child], &sim->events[at])) {
            return first;
        }
        swap(&sim->events[at], &sim->events[child]);
        at = child;
    }
}

static void wake(struct sim *sim, struct worker *worker, int64_t in_ms)
{
    later(sim, (struct event){.at_ms = sim->world.clock.now_ms + in_ms,
                              .what = WORKER_WAKES,
                              .worker = (size_t)(worker - sim->workers),
                              .turn = worker->turn});
}

static int64_t latency_ms(struct sim *sim)
{
    return happens(sim, sim->chances.slow) ? between(sim, 100, 20000) : between(sim, 0, 20);
}

/* ---- workers speak -------------------------------------------------------------------------- */

static struct command *make_command(const struct worker *worker)
{
    char ask[160];

    switch (worker->doing) {
    case DOING_ASK:
        (void)snprintf(ask, sizeof ask,
                       "{\"worker\":\"%s\",\"request_id\":\"%s\",\"wait_seconds\":%d}",
                       worker->name, worker->request, WAIT_SECONDS);
        return world_ask("", ask);
    case DOING_MEASURE:
        return world_measure(worker->lease, worker->body);
    case DOING_BEAT:
        return world_heartbeat(worker->lease);
    case DOING_RESULT:
        return world_result(worker->lease, worker->body);
    case DOING_RELEASE:
        return world_release(worker->lease);
    case DOING_NOTHING:
    default:
        return NULL;
    }
}

static int64_t record_request(struct sim *sim, const struct worker *worker)
{
    static const char *const kinds[] = {"lease", "measure", "heartbeat", "result", "release"};
    char input[320];

    if (worker->doing == DOING_ASK) {
        (void)snprintf(input, sizeof input, "{\"worker\":\"%s\",\"request_id\":\"%s\"}",
                       worker->name, worker->request);
    } else if (worker->doing == DOING_MEASURE || worker->doing == DOING_RESULT) {
        (void)snprintf(input, sizeof input, "{\"lease\":\"%s\",\"body\":%s}", worker->lease,
                       worker->body);
    } else {
        (void)snprintf(input, sizeof input, "{\"lease\":\"%s\"}", worker->lease);
    }
    return record_invoke(&sim->record, sim->world.clock.now_ms, worker->name, kinds[worker->doing],
                         input);
}

/* Puts one copy on the wire. */
static void send_copy(struct sim *sim, struct worker *worker, int64_t extra_ms)
{
    struct event event = {.what = REQUEST_ARRIVES,
                          .at_ms = sim->world.clock.now_ms + latency_ms(sim) + extra_ms,
                          .worker = (size_t)(worker - sim->workers),
                          .turn = worker->turn,
                          .op = record_request(sim, worker)};

    if (happens(sim, sim->chances.lose)) {
        return;
    }
    event.command = make_command(worker);
    later(sim, event);
}

/* Sends, perhaps twice, and wakes up if nothing comes. */
static void speak(struct sim *sim, struct worker *worker)
{
    send_copy(sim, worker, 0);
    if (happens(sim, sim->chances.twice)) {
        send_copy(sim, worker, between(sim, 0, 10000));
    }
    wake(sim, worker, TIMEOUT_MS + (worker->doing == DOING_ASK ? WAIT_SECONDS * 1000 : 0));
}

static void ask(struct sim *sim, struct worker *worker)
{
    worker->turn++;
    worker->doing = DOING_ASK;
    (void)snprintf(worker->request, sizeof worker->request, "r%" PRId64, ++sim->n_requests);
    speak(sim, worker);
}

static void write_measurement(struct sim *sim, struct worker *worker)
{
    worker->step++;
    (void)snprintf(worker->body, sizeof worker->body,
                   "{\"measurements\":[{\"step\":%" PRId64 ",\"metrics\":{\"loss\":0.%03d}}]}",
                   worker->step, (int)between(sim, 1, 999));
}

static void write_result(struct sim *sim, struct worker *worker)
{
    static const char *const outcomes[] = {"failed", "infeasible", "preempted"};
    uint64_t pick = rng_below(&sim->rng, 20);

    if (pick < 3) {
        (void)snprintf(worker->body, sizeof worker->body, "{\"outcome\":\"%s\"}", outcomes[pick]);
    } else {
        (void)snprintf(worker->body, sizeof worker->body,
                       "{\"outcome\":\"completed\",\"step\":%" PRId64 ",\"metrics\":{\"loss\":%s}}",
                       worker->step,
                       pick == 3   ? "\"NaN\""
                       : pick < 10 ? "0.25"
                                   : "0.5");
    }
}

/* The next thing under a lease. */
static void carry_on(struct sim *sim, struct worker *worker)
{
    worker->turn++;
    if (worker->step < worker->steps) {
        if (happens(sim, 300)) {
            worker->doing = DOING_BEAT;
        } else {
            worker->doing = DOING_MEASURE;
            write_measurement(sim, worker);
        }
    } else if (happens(sim, 30)) {
        worker->doing = DOING_RELEASE;
    } else {
        worker->doing = DOING_RESULT;
        write_result(sim, worker);
    }
    speak(sim, worker);
}

static void replace(struct sim *sim, struct worker *worker)
{
    worker->life++;
    worker->turn++;
    worker->doing = DOING_NOTHING;
    worker->lease[0] = '\0';
    (void)snprintf(worker->name, sizeof worker->name, "w%zu.%u", (size_t)(worker - sim->workers),
                   worker->life);
    wake(sim, worker, between(sim, 0, 60000));
}

/* A pause in which it trains, stalls, or dies. */
static void train(struct sim *sim, struct worker *worker)
{
    worker->turn++;
    worker->doing = DOING_NOTHING;
    if (happens(sim, sim->chances.die)) {
        replace(sim, worker);
    } else if (happens(sim, sim->chances.stall)) {
        wake(sim, worker, between(sim, TTL_SECONDS * 1000, 4 * TTL_SECONDS * 1000));
    } else {
        wake(sim, worker, between(sim, 10, 8000));
    }
}

static void on_wake(struct sim *sim, struct worker *worker)
{
    if (worker->doing != DOING_NOTHING) {
        speak(sim, worker); /* no answer: the same once more */
    } else if (worker->lease[0] != '\0') {
        carry_on(sim, worker);
    } else {
        ask(sim, worker);
    }
}

/* ---- workers listen ------------------------------------------------------------------------- */

static void drop_lease(struct sim *sim, struct worker *worker)
{
    worker->turn++;
    worker->doing = DOING_NOTHING;
    worker->lease[0] = '\0';
    wake(sim, worker, between(sim, 0, 2000));
}

static void on_grant(struct sim *sim, struct worker *worker, const struct lease_grant *grant)
{
    (void)snprintf(worker->lease, sizeof worker->lease, "%s", grant->id);
    worker->step = grant->has_resource ? grant->from : 0;
    worker->steps = between(sim, 0, 4);
    if (grant->has_resource && !happens(sim, 50)) {
        worker->steps = grant->to; /* else it ends by itself, early or late */
    }
    train(sim, worker);
}

static void on_answer(struct sim *sim, struct worker *worker, const struct command *command)
{
    if (command->err.code == ERR_OVERLOADED) {
        return; /* its timer repeats the request */
    }
    if (command->kind == COMMAND_ASK && command->err.code == ERR_NONE && command->granted) {
        on_grant(sim, worker, &command->grant);
    } else if (command->kind == COMMAND_ASK || command->kind == COMMAND_RESULT
               || command->kind == COMMAND_RELEASE || command->err.code != ERR_NONE
               || command->action.action == ACTION_ABORT) {
        drop_lease(sim, worker);
    } else {
        if (command->action.action != ACTION_CONTINUE) {
            worker->steps = worker->step;
        } else if (command->action.has_until && worker->steps < command->action.until
                   && happens(sim, 900)) {
            worker->steps = command->action.until; /* promoted: it goes on; the deaf do not */
        }
        train(sim, worker);
    }
}

/* The server has answered: the answer is on the wire now. */
static void answered(void *context, struct command *command)
{
    struct sim *sim = context;
    struct origin *origin = command->origin;

    if (origin != NULL && origin->worker == USER && !sim->lose_answers) {
        record_answer(&sim->record, sim->world.clock.now_ms, origin->op, command);
    }
    if (origin == NULL || origin->worker == USER || sim->lose_answers
        || happens(sim, sim->chances.lose)) {
        command_destroy(command);
        return;
    }
    later(sim, (struct event){.at_ms = sim->world.clock.now_ms + latency_ms(sim),
                              .what = ANSWER_ARRIVES,
                              .worker = origin->worker,
                              .turn = origin->turn,
                              .op = origin->op,
                              .command = command});
}

/* ---- a user --------------------------------------------------------------------------------- */

static struct command *enqueue(struct sim *sim, unsigned number)
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
    set_origin(sim, command, USER, 0,
               record_invoke(&sim->record, sim->world.clock.now_ms, "user", "enqueue", input));
    return command;
}

/* Without a network; but the server may be killed under it. */
static int user_acts(struct sim *sim, struct err *err)
{
    struct command *command;
    int64_t trial = between(sim, 1, sim->n_trials / N_STUDIES);

    switch (rng_below(&sim->rng, 10)) {
    case 0:
        command = world_cancel_trial(happens(sim, 500) ? "s1" : "s2", trial);
        break;
    case 1:
        command = world_patch_study("s1", "{\"state\":\"paused\"}");
        break;
    case 2:
    case 3:
        command = world_patch_study("s1", "{\"state\":\"running\"}");
        break;
    case 4:
        command = enqueue(sim, sim->n_enqueued); /* the last one again */
        break;
    default:
        command = enqueue(sim, ++sim->n_enqueued);
        break;
    }
    if (rng_below(&sim->rng, sim->kill_every) != 0) {
        return world_do(&sim->world, command, err);
    }
    sim->n_kills++;
    record_fault(&sim->record, sim->world.clock.now_ms, "kill");
    sim->lose_answers = true;
    TRY(happens(sim, 500) ? world_crash(&sim->world, &command, 1, err)
                          : world_do(&sim->world, command, err));
    sim->lose_answers = false;
    return world_restart(&sim->world, err);
}

/* ---- the run -------------------------------------------------------------------------------- */

/* All requests that arrive in this millisecond go through in one group, which may be the last thing
 * that this server does. */
static int serve(struct sim *sim, struct event *first, struct err *err)
{
    struct command *group[GROUP_MAX];
    size_t n = 0;
    unsigned fate = rng_below(&sim->rng, sim->kill_every) == 0 ? (unsigned)between(sim, 1, 3) : 0;

    set_origin(sim, first->command, first->worker, first->turn, first->op);
    group[n++] = first->command;
    while (n < GROUP_MAX && sim->n_events > 0 && sim->events[0].at_ms == first->at_ms
           && sim->events[0].what == REQUEST_ARRIVES) {
        struct event event = take_event(sim);

        set_origin(sim, event.command, event.worker, event.turn, event.op);
        group[n++] = event.command;
    }
    if (fate > 0) {
        sim->n_kills++;
        record_fault(&sim->record, sim->world.clock.now_ms, "kill");
    }
    if (fate == 1) { /* before the commit */
        return world_crash(&sim->world, group, n, err);
    }
    sim->lose_answers = fate == 2; /* after the commit, before the answers */
    TRY(world_group(&sim->world, group, n, err));
    sim->lose_answers = false;
    return fate > 0 ? world_restart(&sim->world, err) : 0;
}

static int step(struct sim *sim, struct err *err)
{
    struct event event = take_event(sim);
    struct worker *worker = &sim->workers[event.worker];

    TRY(world_advance(&sim->world, event.at_ms, err));
    switch (event.what) {
    case WORKER_WAKES:
        if (event.turn == worker->turn) {
            on_wake(sim, worker);
        }
        break;
    case REQUEST_ARRIVES:
        TRY(serve(sim, &event, err));
        break;
    case ANSWER_ARRIVES:
        record_answer(&sim->record, sim->world.clock.now_ms, event.op, event.command);
        if (event.turn == worker->turn) {
            on_answer(sim, worker, event.command);
        }
        command_destroy(event.command);
        break;
    default:
        break;
    }
    if (sim->bug >= 0) {
        idle_plant(&sim->world, (size_t)sim->bug);
    }
    return idle_check(&sim->idle, &sim->world, err);
}

static int create_studies(struct sim *sim, struct err *err)
{
    static const char *const shapes[N_STUDIES] = {
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
            i, i, TTL_SECONDS, sim->n_trials / N_STUDIES, i % 2, shapes[i]);
        (void)snprintf(input, sizeof input, "{\"study\":\"s%zu\"}", i);
        (void)record_invoke(&sim->record, sim->world.clock.now_ms, "user", "create", input);
        TRY(world_do(&sim->world, world_create_study(body), err));
    }
    return tuning_last_seq(sim->world.tuning) >= (int64_t)(sizeof shapes / sizeof *shapes)
               ? 0
               : err_set(err, ERR_INVALID, "the server took not all studies");
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

/* Looked at now and then; the store is the truth. */
static int is_over(struct sim *sim, bool *over, struct err *err)
{
    size_t n_open = 0;
    size_t n_running = 0;

    TRY(store_each_study(sim->world.store, count_running, &n_running, err));
    if (n_running == 0) {
        TRY(store_each_open_trial(sim->world.store, count_open, &n_open, err));
    }
    *over = n_running == 0 && n_open == 0;
    return 0;
}

static int play(struct sim *sim, struct err *err)
{
    bool over = false;

    TRY(create_studies(sim, err));
    for (size_t i = 0; i < sim->n_workers; i++) {
        replace(sim, &sim->workers[i]);
    }
    for (size_t n = 0; !over && sim->n_events > 0; n++) {
        if (sim->events[0].at_ms > HORIZON_MS) {
            return err_set(err, ERR_INVALID, "the studies are not finished after a day");
        }
        TRY(step(sim, err));
        if (n % 64 == 0) {
            TRY(user_acts(sim, err));
        }
        if (n % 256 == 0) {
            TRY(is_over(sim, &over, err));
        }
    }
    return record_dump(&sim->record, &sim->world, err);
}

static void sim_finish(struct sim *sim)
{
    for (size_t i = 0; i < sim->n_events; i++) {
        command_destroy(sim->events[i].command);
    }
    while (sim->origins != NULL) {
        struct origin *next = sim->origins->next;

        free(sim->origins);
        sim->origins = next;
    }
    free(sim->events);
    free(sim->workers);
    sim->world.answered = NULL;
    world_finish(&sim->world);
    idle_finish(&sim->idle);
    record_finish(&sim->record);
}

struct options {
    uint64_t seed, seeds;
    size_t n_workers;
    unsigned n_trials, kill_every;
    FILE *trace;
    bool planted;
    int bug;
};

/* False: the story ended badly. *hash names it. */
static bool play_seed(const struct options *options, uint64_t seed, uint64_t *hash)
{
    const struct checker_options checks = {.drained = true};
    struct sim sim = {.rng = rng_for(seed, 1),
                      .chances = {.lose = 20, .twice = 20, .slow = 10, .die = 10, .stall = 15},
                      .n_workers = options->n_workers,
                      .n_trials = options->n_trials,
                      .bug = options->bug,
                      .kill_every = options->kill_every};
    OWN(verdict) struct verdict verdict = {0};
    struct err err = {0};
    bool good = false;

    record_init(&sim.record, options->trace);
    sim.workers = calloc(sim.n_workers, sizeof *sim.workers);
    if (sim.workers == NULL) {
        abort();
    }
    if (world_open(&sim.world, seed, &err) == 0) {
        sim.world.answered = answered;
        sim.world.context = &sim;
        sim.record.wall_offset_ms = sim.world.clock.wall_offset_ms;
        good = play(&sim, &err) == 0;
    }
    if (!good) {
        (void)printf("seed %" PRIu64 ": at %" PRId64 " ms: %s\n", seed, sim.world.clock.now_ms,
                     err.text);
    } else {
        checker_run(&sim.record.history, &checks, &verdict);
        good =
            verdict.total == 0 && sim.n_kills > 0 && sim.idle.n_waits > 0 && sim.idle.n_facts > 0;
        (void)printf("seed %" PRIu64 ": %" PRId64
                     " requests, %zu attempts, %zu kills, %.1f h, %" PRId64
                     " times somebody waited, rightly: %zu violations\n%s",
                     seed, sim.record.n_ops, sim.record.history.n_attempts, sim.n_kills,
                     (double)sim.world.clock.now_ms / 3.6e6, sim.idle.n_waits, verdict.total,
                     buf_text(&verdict.text));
    }
    *hash = sim.record.hash;
    sim_finish(&sim);
    return good;
}

/* Every bug must be found by at least one of a few seeds. */
static int play_planted(struct options options)
{
    int missed = 0;

    for (size_t i = 0; i < idle_n_bugs; i++) {
        bool found = false;
        uint64_t hash;
        options.bug = (int)i;
        for (uint64_t seed = 1; !found && seed <= 5; seed++) {
            found = !play_seed(&options, seed, &hash);
        }
        (void)printf("%s \"%s\"\n", found ? "caught" : "MISSED", idle_bug_name(i));
        missed += !found;
    }
    return missed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

enum {
    KEY_PLANTED = 900,
    KEY_SEED = 1000,
    KEY_SEEDS,
    KEY_WORKERS,
    KEY_TRIALS,
    KEY_KILL_EVERY,
    KEY_TRACE
};

static const struct argp_option option_table[] = {
    {"seed", KEY_SEED, "N", 0, "The first seed (1)", 0},
    {"seeds", KEY_SEEDS, "N", 0, "How many (10)", 0},
    {"workers", KEY_WORKERS, "N", 0, "Workers (100)", 0},
    {"trials", KEY_TRIALS, "N", 0, "Trials (400)", 0},
    {"kill-every", KEY_KILL_EVERY, "N", 0, "Kill the server in one group of N (100)", 0},
    {"trace", KEY_TRACE, "FILE", 0, "Write the history there", 0},
    {"planted", KEY_PLANTED, NULL, 0, "Find the bugs planted on purpose", 0},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case KEY_SEED:
        options->seed = strtoull(arg, NULL, 10);
        return 0;
    case KEY_SEEDS:
        options->seeds = strtoull(arg, NULL, 10);
        return 0;
    case KEY_WORKERS:
        options->n_workers = strtoul(arg, NULL, 10);
        return 0;
    case KEY_TRIALS:
        options->n_trials = (unsigned)strtoul(arg, NULL, 10);
        return 0;
    case KEY_KILL_EVERY:
        options->kill_every = (unsigned)strtoul(arg, NULL, 10);
        return options->kill_every > 0 ? 0 : EINVAL;
    case KEY_PLANTED:
        options->planted = true;
        return 0;
    case KEY_TRACE:
        options->trace = fopen(arg, "we");
        return options->trace == NULL ? EINVAL : 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        option_table, parse_option, NULL, "Plays a cluster in virtual time from a seed",
        NULL,         NULL,         NULL};
    struct options options = {
        .seed = 1, .seeds = 10, .bug = -1, .n_workers = 100, .n_trials = 400, .kill_every = 100};
    uint64_t n_failed = 0;
    uint64_t first = 0;
    uint64_t hash = 0;

    json_start();
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0) {
        return 2;
    }
    if (options.planted) {
        return play_planted(options);
    }
    for (uint64_t i = 0; i < options.seeds; i++) {
        n_failed += !play_seed(&options, options.seed + i, &hash);
        first = i == 0 ? hash : first;
    }
    n_failed += !play_seed(&options, options.seed, &hash);
    if (hash != first) {
        (void)printf("seed %" PRIu64 " told two different stories\n", options.seed);
        n_failed++;
    }
    if (options.trace != NULL) {
        (void)fclose(options.trace);
    }
    (void)printf("%" PRIu64 " passed, %" PRIu64 " failed\n",
                 options.seeds + 1 - (n_failed > options.seeds + 1 ? options.seeds + 1 : n_failed),
                 n_failed);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* simulate: a cluster in simulated time, in one thread, from one seed.
 *
 *   simulate [--seed N] [--seeds N] [--workers N] [--trials N] [--kill-every N]
 *            [--trace FILE]
 *   simulate --planted      with bugs in the server that keep workers waiting: all must be found
 *
 * Thousands of workers ask, measure, report, fall silent, come back, die and are replaced, over a
 * network that loses, delays and repeats messages; a user enqueues, cancels, pauses and resumes;
 * the server is killed between, before and after its commits; its disk fails for a group, and its
 * clock is set. All of it uses the real tuning/, schedules and store. In the end every study must
 * be finished, and the checker checks the whole history. The first seed runs twice: the same seed
 * must give the same history to the last byte. Whenever an ask waits, no job may be legal for it
 * (idle.h). */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "tests/sim/again.h"
#include "tests/sim/simulation_run.h"
#include "tests/support/checker.h"

struct options {
    struct simulation_options run; /* of the first seed */
    uint64_t n_seeds;
    bool planted;
};

/* Checks a run that came to its end, and prints its figures. */
static bool check_history(struct simulation *simulation)
{
    const struct checker_options checks = {.drained = true};
    OWN(verdict) struct verdict verdict = {0};

    checker_run(&simulation->record.history, &checks, &verdict);
    (void)printf(
        "seed %" PRIu64 ": %" PRId64 " requests, %zu attempts, %zu kills, %zu failed groups, %zu "
        "steps of the clock, %.1f h, %" PRId64 " waits checked: %zu violations\n%s",
        simulation->options->seed, simulation->record.n_ops, simulation->record.history.n_attempts,
        simulation->n_kills, simulation->n_failed_groups, simulation->n_clock_steps,
        (double)simulation->world.clock.now_ms / 3.6e6, simulation->idle.n_waits, verdict.total,
        buf_text(&verdict.text));
    return verdict.total == 0 && simulation->n_kills > 0 && simulation->n_failed_groups > 0
           && simulation->n_clock_steps > 0 && simulation->idle.n_waits > 0
           && simulation->idle.n_facts > 0;
}

/* Every decision comes out the same when it is made again. */
static bool check_decisions(const struct simulation *simulation)
{
    int64_t n = 0;

    return simulation->options->bug >= 0
           || (decide_all_again(simulation->world.store, &n) && n > 0);
}

/* False: something is wrong with the run. *hash is of its whole history. */
static bool run_seed(const struct simulation_options *options, uint64_t *hash)
{
    struct simulation simulation;
    struct err err = {0};
    bool good = false;

    if (simulation_init(&simulation, options, &err) == 0
        && simulation_run(&simulation, &err) == 0) {
        good = check_history(&simulation) && check_decisions(&simulation);
    } else {
        (void)printf("seed %" PRIu64 ": at %" PRId64 " ms: %s\n", options->seed,
                     simulation.world.clock.now_ms, err.text);
    }
    *hash = simulation.record.hash;
    simulation_finish(&simulation);
    return good;
}

/* Every bug must be found with at least one of a few seeds. */
static int run_planted(struct simulation_options options)
{
    int missed = 0;

    for (size_t i = 0; i < idle_n_bugs; i++) {
        bool found = false;
        uint64_t hash;
        options.bug = (int)i;
        for (options.seed = 1; !found && options.seed <= 5; options.seed++) {
            found = !run_seed(&options, &hash);
        }
        (void)printf("%s \"%s\"\n", found ? "caught" : "MISSED", idle_bug_name(i));
        missed += !found;
    }
    return missed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Every seed once, and the first one again. */
static int run_seeds(struct simulation_options options, uint64_t n_seeds)
{
    const uint64_t first_seed = options.seed;
    uint64_t n_failed = 0;
    uint64_t first_hash = 0;
    uint64_t hash = 0;

    for (uint64_t i = 0; i < n_seeds; i++) {
        options.seed = first_seed + i;
        n_failed += !run_seed(&options, &hash);
        first_hash = i == 0 ? hash : first_hash;
    }
    options.seed = first_seed;
    bool same = run_seed(&options, &hash);
    if (hash != first_hash) {
        (void)printf("seed %" PRIu64 " gave two different histories\n", first_seed);
        same = false;
    }
    n_failed += !same;
    (void)printf("%" PRIu64 " passed, %" PRIu64 " failed\n", n_seeds + 1 - n_failed, n_failed);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
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
    {"planted", KEY_PLANTED, NULL, 0, "Find the planted bugs", 0},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case KEY_SEED:
        options->run.seed = strtoull(arg, NULL, 10);
        return 0;
    case KEY_SEEDS:
        options->n_seeds = strtoull(arg, NULL, 10);
        return 0;
    case KEY_WORKERS:
        options->run.n_agents = strtoul(arg, NULL, 10);
        return 0;
    case KEY_TRIALS:
        options->run.n_trials = (unsigned)strtoul(arg, NULL, 10);
        return 0;
    case KEY_KILL_EVERY:
        options->run.kill_every = (unsigned)strtoul(arg, NULL, 10);
        return options->run.kill_every > 0 ? 0 : EINVAL;
    case KEY_PLANTED:
        options->planted = true;
        return 0;
    case KEY_TRACE:
        options->run.trace = fopen(arg, "we");
        return options->run.trace == NULL ? EINVAL : 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        option_table, parse_option, NULL, "Simulates a cluster from a seed", NULL, NULL, NULL};
    struct options options = {
        .run = {.seed = 1, .bug = -1, .n_agents = 100, .n_trials = 400, .kill_every = 100},
        .n_seeds = 10};

    json_start();
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0) {
        return 2;
    }
    int status =
        options.planted ? run_planted(options.run) : run_seeds(options.run, options.n_seeds);
    if (options.run.trace != NULL) {
        (void)fclose(options.run.trace);
    }
    return status;
}

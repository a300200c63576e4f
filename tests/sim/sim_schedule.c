/* Simulates clusters around every schedule and checks the invariants of algorithms.md §3.5.
 *
 *   sim_schedule [--first SEED] [--seeds N]   every fault on; exit 1 and the seed on a violation
 *   sim_schedule --planted                    every planted bug must be caught, by its invariant
 *   sim_schedule --utilisation                workers are busy; exit 1 if not
 *   sim_schedule --figures                    speed of the simulation and utilisation of workers
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/rng.h"
#include "tests/sim/cluster.h"
#include "tests/sim/planted.h"
#include "tests/support/schedule_fixture.h"

/* ---- what is simulated ---- */

static unsigned pick(struct rng *rng, unsigned n)
{
    return (unsigned)rng_below(rng, n);
}

/* A chance out of 1000: often none, sometimes small, sometimes large. */
static unsigned some(struct rng *rng, unsigned most)
{
    unsigned size = pick(rng, 3);

    return size == 0 ? 0 : size == 1 ? most / 5 : most;
}

static struct cluster_options without_faults(uint64_t seed)
{
    static const int64_t tops[] = {9, 16, 27, 52, 64, 81, 100};
    struct rng rng = rng_seeded(splitmix64(seed ^ 0x5ca1ab1e));
    struct cluster_options o = {.seed = seed, .curve_seed = seed, .strategy = "hyperband"};

    o.R = tops[pick(&rng, 7)];
    o.eta = 2 + pick(&rng, 3);
    o.r_min = pick(&rng, 3) == 0 ? 1 + pick(&rng, 3) : 1;
    o.n_workers = pick(&rng, 4) == 0 ? 1 : 2 + pick(&rng, 63);
    o.n_trials = 20 + pick(&rng, 160);
    o.rounds = pick(&rng, 3) == 0 ? 1 : 0;
    return o;
}

static struct cluster_options with_faults(uint64_t seed)
{
    struct cluster_options o = without_faults(seed);
    struct rng rng = rng_seeded(splitmix64(seed ^ 0x57024));
    unsigned which = pick(&rng, 6);

    if (which >= 2) {
        o.strategy = "asha";
        o.rounds = 0;
        o.is_stopping = which == 3;
        o.is_progressive = which == 4;
        o.is_predictive = which == 5;
        o.brackets = which == 2 && o.r_min * o.eta <= o.R ? 1 + pick(&rng, 2) : 1;
    } else if (pick(&rng, 4) == 0) {
        o.quorum = 0.7;
    }
    o.crash = some(&rng, 200);
    o.fail = some(&rng, 60);
    o.end_early = some(&rng, 60);
    o.overshoot = some(&rng, 100);
    o.ignore = some(&rng, 300);
    o.straggle = some(&rng, 50);
    o.silence = some(&rng, 100);
    o.nan = pick(&rng, 20) == 0 ? 1000 : some(&rng, 150);
    o.cancel = some(&rng, 50);
    o.twice = some(&rng, 200);
    o.late = some(&rng, 100);
    o.restart = some(&rng, 30);
    o.pause = some(&rng, 5);
    o.each_worker_dies_once = pick(&rng, 6) == 0;
    return o;
}

/* ---- checks that take two runs ---- */

static void note(struct cluster_outcome *out, enum invariant invariant, const char *text)
{
    if ((out->violated & 1U << invariant) == 0) {
        out->violated |= 1U << invariant;
        (void)snprintf(out->texts[invariant], sizeof out->texts[invariant], "%s", text);
    }
}

/* I4, I11: other speeds and another number of workers, the same configurations and values. */
static void check_order(struct cluster_options o, struct cluster_outcome *out)
{
    struct cluster_outcome first;
    struct cluster_outcome other;

    if (strcmp(o.strategy, "hyperband") != 0) {
        return;
    }
    o.rounds = 1;
    o.n_trials = 1000;
    cluster_run(&o, &first);
    o.seed += 77;
    cluster_run(&o, &other);
    if (first.promotions != other.promotions) {
        note(out, I4_ORDER, "another order of completion promotes other trials");
    }
    o.n_workers = o.n_workers == 1 ? 64 : 1;
    cluster_run(&o, &other);
    if (first.promotions != other.promotions) {
        note(out, I11_WORKERS, "another number of workers promotes other trials");
    }
}

/* I12, I13: the same facts in the same order when the values are transformed. */
static void check_transformed(struct cluster_options o, const struct cluster_outcome *plain,
                              struct cluster_outcome *out)
{
    struct cluster_outcome other;

    if (o.is_progressive) {
        return; /* it looks at differences: only the direction may change */
    }
    o.reported = REPORT_NEGATED;
    cluster_run(&o, &other);
    if (other.history != plain->history) {
        note(out, I12_DIRECTION, "maximising the negative makes other decisions");
    }
    o.reported = REPORT_EXPONENTIAL;
    cluster_run(&o, &other);
    if (other.history != plain->history) {
        note(out, I13_MONOTONE, "a rising function of the values changes decisions");
    }
}

static char *lenient(const char *members)
{
    return calloc(1, strstr(members, "\"eta\": 1") != NULL ? 1 : 2);
}

/* I17, with the function that reports faults, so that a lenient one can be planted. */
static bool options_are_checked(char *(*faults)(const char *members))
{
    static const char *const wrong[] = {
        "\"strategy\": {\"name\": \"hyperband\", \"eta\": 1}, \"resource\": {\"max\": 9}",
        "\"strategy\": {\"name\": \"asha\", \"eta\": 1}, \"resource\": {\"max\": 9}",
        "\"strategy\": \"hyperband\"",
    };
    bool all_refused = true;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        OWN(memory) char *text = faults(wrong[i]);
        all_refused = all_refused && text != NULL && text[0] != '\0';
    }
    struct bracket_plan plan;
    struct table_input seven = {.min = 7, .max = 7, .step = 1, .eta = {3, 1}};
    tables_bracket(&seven, ROUNDING_FORMULA, 0, &plan);
    return all_refused && tables_s_max(&seven) == 0 && plan.n == 1 && plan.rungs[0].level == 7;
}

static int floating_s_max(const struct table_input *input)
{
    return (int)(log((double)input->max / (double)input->min) / log((double)input->eta.p));
}

/* I18, against multiplication; the whole tables are compared in test_tables. */
static bool tables_are_exact(int (*s_max)(const struct table_input *input))
{
    for (int64_t eta = 2; eta <= 5; eta++) {
        int expected = 0;
        int64_t next = eta;
        for (int64_t R = 1; R <= 2000; R++) {
            if (R == next) {
                expected++;
                next *= eta;
            }
            struct table_input input = {.min = 1, .max = R, .step = 1, .eta = {(uint64_t)eta, 1}};
            if (s_max(&input) != expected) {
                return false;
            }
        }
    }
    return true;
}

/* ---- running ---- */

static void run_one(const struct cluster_options *o, bool with_twins, struct cluster_outcome *out)
{
    cluster_run(o, out);
    if (with_twins) {
        struct cluster_options faultless = without_faults(o->seed);
        struct cluster_outcome plain = *out;
        faultless.strategy = o->strategy;
        faultless.brackets = o->brackets;
        faultless.planted = o->planted;
        check_order(faultless, out);
        check_transformed(*o, &plain, out);
    }
}

static int print_violations(uint64_t seed, const struct cluster_outcome *out)
{
    for (int i = 1; i < INVARIANT_COUNT; i++) {
        if ((out->violated & 1U << i) != 0) {
            (void)printf("seed %llu violates I%d: %s\n", (unsigned long long)seed, i,
                         out->texts[i]);
        }
    }
    return out->violated != 0;
}

static int run_seeds(uint64_t first, uint64_t n)
{
    struct cluster_outcome out;
    int64_t sums[6] = {0};
    int violations = !options_are_checked(fixture_faults) + !tables_are_exact(tables_s_max);

    for (uint64_t seed = first; seed < first + n; seed++) {
        struct cluster_options o = with_faults(seed);
        run_one(&o, true, &out);
        violations += print_violations(seed, &out);
        sums[0] += out.n_values;
        sums[1] += out.n_facts;
        sums[2] += out.n_restarts;
        sums[3] += out.n_lost;
        sums[4] += out.n_promoted;
    }
    (void)printf(
        "%llu seeds: %lld trial-rungs, %lld promotions, %lld lost attempts, %lld restarts, "
        "%d violations\n",
        (unsigned long long)n, (long long)sums[0], (long long)sums[4], (long long)sums[3],
        (long long)sums[2], violations);
    return violations != 0;
}

static bool catches(const struct planted *bug)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct cluster_options o = with_faults(seed);
        struct cluster_outcome out;
        o.strategy = bug->strategy;
        o.is_stopping = bug->is_stopping;
        o.is_progressive = false;
        o.is_predictive = bug->wants_more_chance;
        o.brackets = strcmp(bug->strategy, "asha") == 0 ? 1 : 0;
        o.rounds = 0;
        o.quorum = 0;
        o.planted = bug;
        run_one(&o, true, &out);
        if ((out.violated & 1U << bug->breaks) != 0) {
            (void)printf("I%-2d catches \"%s\" (%s, seed %d): %s\n", (int)bug->breaks, bug->name,
                         bug->strategy, (int)seed, out.texts[bug->breaks]);
            return true;
        }
    }
    (void)printf("I%-2d MISSES \"%s\"\n", (int)bug->breaks, bug->name);
    return false;
}

static int run_planted(void)
{
    int missed = 0;

    for (size_t i = 0; i < n_planted_bugs; i++) {
        missed += !catches(&planted_bugs[i]);
    }
    if (options_are_checked(lenient)) {
        (void)printf("I17 MISSES a check that lets eta 1 pass\n");
        missed++;
    }
    if (tables_are_exact(floating_s_max)) {
        (void)printf("I18 MISSES floating logarithms\n");
        missed++;
    }
    return missed != 0;
}

/* ---- utilisation: 64 workers on (R 81, eta 3) ---- */

#define USE_WORKERS 64

static void run_use(const char *strategy, bool same_speed, int64_t n_trials,
                    const struct planted *bug, struct cluster_outcome *out)
{
    struct cluster_options o = {.seed = 1,
                                .curve_seed = 1,
                                .strategy = strategy,
                                .R = 81,
                                .eta = 3,
                                .r_min = 1,
                                .n_trials = n_trials,
                                .n_workers = USE_WORKERS,
                                .same_speed = same_speed,
                                .brackets = strcmp(strategy, "asha") == 0 ? 1 : 0,
                                .planted = bug};

    cluster_run(&o, out);
}

static double share(int64_t busy_ms, int64_t span_ms)
{
    return span_ms == 0 ? 0 : 100 * (double)busy_ms / (USE_WORKERS * (double)span_ms);
}

static void print_use(const char *strategy, bool same_speed, int64_t n_trials)
{
    struct cluster_outcome out;

    run_use(strategy, same_speed, n_trials, NULL, &out);
    (void)printf("%-9s, %s, %5lld trials: %5.1f %% busy while a new one was legal (%.0f min), "
                 "%5.1f %% to the end of all (%.0f min); %zu brackets at once\n",
                 strategy, same_speed ? "equal speeds  " : "speeds 1 to 20", (long long)n_trials,
                 share(out.open_busy_ms, out.open_ms), (double)out.open_ms / 6e4,
                 share(out.busy_ms, out.end_ms), (double)out.end_ms / 6e4, out.most_open);
}

/* False where the figure means nothing: no longer than two full trainings, time that is neither
 * busy nor idle, one bracket after the other. */
static bool is_measured(const char *strategy, const struct cluster_outcome *out)
{
    bool is_long = out->open_ms > 2 * INT64_C(81000) && out->n_values > 1500;
    bool adds_up = out->open_busy_ms + out->open_idle_ms == USE_WORKERS * out->open_ms
                   && out->busy_ms + out->idle_ms == USE_WORKERS * out->end_ms;

    return is_long && adds_up && (strcmp(strategy, "asha") == 0 || out->most_open > 1);
}

/* The floors of the plan; and a schedule that keeps workers waiting must miss them. */
static int check_use(void)
{
    static const struct {
        const char *strategy;
        double floor;
        const char *bug;
    } cases[] = {{"asha", 95, "waits for a full rung"}, {"hyperband", 85, "waits for its bracket"}};
    int failed = 0;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cluster_outcome out;
        struct cluster_outcome bad = {0};
        run_use(cases[i].strategy, true, 1500, NULL, &out);
        for (size_t k = 0; k < n_planted_bugs; k++) {
            if (strcmp(planted_bugs[k].name, cases[i].bug) == 0) {
                run_use(cases[i].strategy, true, 1500, &planted_bugs[k], &bad);
            }
        }
        double good_share = share(out.open_busy_ms, out.open_ms);
        double bad_share = share(bad.open_busy_ms, bad.open_ms);
        bool holds = is_measured(cases[i].strategy, &out) && out.violated == 0
                     && good_share > cases[i].floor && bad.open_ms > 0
                     && bad_share < cases[i].floor;
        (void)printf("%s %s: %.1f %% busy while a new configuration is legal (floor %.0f), %.1f %% "
                     "where it \"%s\"\n",
                     holds ? "ok  " : "FAIL", cases[i].strategy, good_share, cases[i].floor,
                     bad_share, cases[i].bug);
        failed += !holds;
    }
    return failed != 0;
}

static int print_figures(void)
{
    int64_t values = 0;
    struct timespec began;
    struct timespec ended;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct cluster_options o = with_faults(seed);
        struct cluster_outcome out;
        cluster_run(&o, &out);
        values += out.n_values;
    }
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
    double seconds =
        (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9;
    (void)printf("%.0f trial-rungs a minute on one core, every fault on (%lld in %.2f s)\n",
                 60 * (double)values / seconds, (long long)values, seconds);
    for (int64_t n_trials = 1500; n_trials <= 3000; n_trials *= 2) {
        print_use("asha", true, n_trials);
        print_use("asha", false, n_trials);
        print_use("hyperband", true, n_trials);
        print_use("hyperband", false, n_trials);
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t first = 1;
    uint64_t seeds = 300;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--planted") == 0) {
            return run_planted();
        }
        if (strcmp(argv[i], "--utilisation") == 0) {
            return check_use();
        }
        if (strcmp(argv[i], "--figures") == 0) {
            return print_figures();
        }
        if (strcmp(argv[i], "--first") == 0 && i + 1 < argc) {
            first = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
            seeds = strtoull(argv[++i], NULL, 10);
        } else {
            (void)fprintf(stderr, "usage: sim_schedule [--first SEED] [--seeds N] | --planted | "
                                  "--utilisation | --figures\n");
            return 2;
        }
    }
    return run_seeds(first, seeds);
}

/* What every strategy in the registry owes its caller, whatever it is and whatever it has seen: a
 * legal configuration, the same one for the same study, history and ordinal, and no surprise from
 * trials that failed. A new strategy is met here by itself. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/strategy/strategy.h"
#include "tests/support/run_suite.h"
#include "tests/support/space_text.h"

#define TRIALS 24
#define ASKS 4

/* ---- spaces, all finite so that a grid can serve them too ---- */

static const struct {
    const char *parameters;
    const char *constraints;
} texts[] = {
    /* of everything, with conditions and constraints */
    {"[{'name':'lr','type':'float','low':1e-4,'high':1,'scale':'log','grid':5},"
     "{'name':'units','type':'int','low':16,'high':128,'step':16},"
     "{'name':'kernel','type':'categorical','choices':['rbf','poly','lin']},"
     "{'name':'degree','type':'int','low':2,'high':5,'when':{'kernel':['poly']}},"
     "{'name':'deep','type':'bool','when':{'degree':[3,4]}},"
     "{'name':'size','type':'ordinal','choices':['s','m','l']},"
     "{'name':'batch','type':'int','values':[32,64,128]},"
     "{'name':'noise','type':'float','distribution':'normal','mean':0,'sd':1,'low':-2,'high':2,"
     "'grid':3},{'name':'fixed','type':'constant','value':1}]",
     "['units * degree <= 400','lr < 0.5 or batch > 32']"},
    /* one dimension */
    {"[{'name':'x','type':'float','low':-1,'high':1,'grid':100}]", NULL},
    {"[{'name':'b','type':'bool'}]", NULL},
    {"[{'name':'c','type':'constant','value':'only'},{'name':'n','type':'int','low':1,'high':50}]",
     NULL},
    {"[{'name':'x','type':'float','low':0,'high':1,'grid':60}]", "['x > 0.9']"},
    /* choices were removed: first, last, in the middle, all but one, one with a child */
    {"[{'name':'k','type':'categorical','choices':['b','d'],'removed':[{'index':0,'value':'a'},"
     "{'index':2,'value':'c'},{'index':4,'value':'e'}]},"
     "{'name':'o','type':'ordinal','choices':['s','l'],'removed':[{'index':1,'value':'m'}]},"
     "{'name':'w','type':'int','values':[1,9],'removed':[{'index':2,'value':20},"
     "{'index':1,'value':4}],'scale':'log'},"
     "{'name':'one','type':'categorical','choices':['x'],'removed':[{'index':0,'value':null}]},"
     "{'name':'n','type':'int','low':1,'high':5,'when':{'k':['c','d']}},"
     "{'name':'never','type':'float','low':0,'high':1,'grid':3,'when':{'k':['c']}}]",
     "['n < 5']"},
};
#define N_TEXTS (int)(sizeof texts / sizeof texts[0])
#define N_SPACES (N_TEXTS + 2)

/* The last two are made: 60 dimensions, and 500 categories. */
static struct space *make_space(int which)
{
    OWN(buf) struct buf text = {0};

    if (which < N_TEXTS) {
        return space_or_abort(texts[which].parameters, texts[which].constraints);
    }
    buf_init(&text, 100000);
    if (which == N_TEXTS) {
        for (int i = 0; i < 60; i++) {
            buf_printf(&text, "%c{'name':'x%d','type':'float','low':0,'high':1,'grid':2}",
                       i == 0 ? '[' : ',', i);
        }
        buf_puts(&text, "]");
    } else {
        buf_puts(&text, "[{'name':'x','type':'float','low':0,'high':1,'grid':3},"
                        "{'name':'c','type':'categorical','choices':[");
        for (int i = 0; i < 500; i++) {
            buf_printf(&text, "%s'c%d'", i == 0 ? "" : ",", i);
        }
        buf_puts(&text, "]}]");
    }
    return space_or_abort(buf_text(&text), NULL);
}

/* ---- histories ---- */

enum past {
    PAST_EMPTY,
    PAST_ONE,
    PAST_GOOD,
    PAST_EQUAL,
    PAST_BAD,
    PAST_MIXED,
    PAST_TWICE,
    PAST_OUTSIDE,
    PAST_BOUNDED, /* of a study with outcome constraints */
    PAST_COUNT
};

struct past_study {
    struct observation items[TRIALS];
    double values[TRIALS];
    double bounded[TRIALS][2];
    double x[TRIALS][SPACE_GRID_PARAMS_MAX];
    struct history history;
};

/* Kind and value of trial i; the value is owned by the caller. */
static void write_observation(enum past past, size_t i, struct rng *rng, struct observation *item,
                              double *value)
{
    static const enum observation_kind bad[] = {OBSERVED_FAILED, OBSERVED_INFEASIBLE,
                                                OBSERVED_PRUNED, OBSERVED_FAILED};
    double drawn = rng_normal(rng);

    *item = (struct observation){
        .number = (int64_t)i + 1, .ordinal = i + 1, .n_values = 1, .values = value};
    item->kind = OBSERVED_COMPLETED;
    *value = past == PAST_EQUAL ? 3.5 : drawn;
    if (past == PAST_BAD || (past == PAST_MIXED && i % 2 == 1)) {
        item->kind = bad[i % 4];
        *value = (double)NAN;
    } else if (past == PAST_MIXED && i % 6 == 0) {
        *value = drawn * 1e300; /* finite, and no more than that */
    }
    if (past == PAST_MIXED && i >= TRIALS - 6) {
        item->kind = OBSERVED_PENDING;
        item->n_values = 0;
    }
}

/* Values of two bounded metrics: any, not known, or infinite; some trials have none at all. */
static void bound_observation(size_t i, struct rng *rng, struct observation *item,
                              double bounded[2])
{
    bounded[0] = i % 5 == 0 ? (double)NAN : rng_normal(rng);
    bounded[1] = i % 7 == 0 ? (double)INFINITY : 1e300 * rng_normal(rng);
    item->bounded = bounded;
    item->n_bounded = i % 4 == 3 || item->kind == OBSERVED_PENDING ? 0 : 2;
}

/* A trial from before the space was changed: any choice, and numbers beyond their bounds. */
static void draw_outside(const struct space *space, struct rng *rng, double x[])
{
    for (size_t i = 0; i < space->n_params; i++) {
        const struct param *param = &space->params[i];
        x[i] = param->n_choices > 0 ? (double)rng_below(rng, param->n_choices)
                                    : param_decode(param, rng_uniform(rng));
        if (param->n_choices == 0 && param->type == PARAM_FLOAT && rng_below(rng, 2) == 0) {
            x[i] *= 1.5;
        }
    }
    ck_assert(space_activate(space, x));
}

static struct past_study *make_past(const struct space *space, enum past past)
{
    struct past_study *tale = calloc(1, sizeof *tale);
    struct rng rng = rng_for(5, (uint64_t)past);
    struct err err = {0};

    tale->history.n = past == PAST_EMPTY ? 0 : past == PAST_ONE ? 1 : TRIALS;
    tale->history.items = tale->items;
    for (size_t i = 0; i < tale->history.n; i++) {
        bool is_mixed = past == PAST_OUTSIDE || past == PAST_BOUNDED;
        write_observation(is_mixed ? PAST_MIXED : past, i, &rng, &tale->items[i], &tale->values[i]);
        if (past == PAST_BOUNDED) {
            bound_observation(i, &rng, &tale->items[i], tale->bounded[i]);
        }
        if (past == PAST_OUTSIDE) {
            draw_outside(space, &rng, tale->x[i]);
            tale->items[i].config = tale->x[i];
            continue;
        }
        ck_assert_int_eq(space_sample(space, &rng, tale->x[past == PAST_TWICE ? i % 3 : i], &err),
                         0);
        tale->items[i].config = tale->x[past == PAST_TWICE ? i % 3 : i];
    }
    return tale;
}

/* ---- source studies: rows as in transfer.h, which need not be legal ---- */

enum { ROWS = 24, SOURCES = 3 };

struct older {
    struct observation items[SOURCES][ROWS];
    double values[SOURCES][ROWS];
    double x[SOURCES][ROWS][SPACE_GRID_PARAMS_MAX];
    struct source sources[SOURCES];
};

/* Some values are not known, numbers stand beside their steps and beyond their ends. */
static void blur(const struct space *space, struct rng *rng, double x[])
{
    for (size_t i = 0; i < space->n_params; i++) {
        const struct param *param = &space->params[i];
        if (rng_below(rng, 4) == 0) {
            x[i] = NAN;
        } else if (param->n_choices == 0 && param->distribution == DISTRIBUTION_UNIFORM) {
            x[i] *= 0.75 + 0.5 * rng_uniform(rng);
        }
    }
}

/* Of all kinds with wild values; all equal; and only one. */
static struct older *make_older(const struct space *space)
{
    struct older *older = calloc(1, sizeof *older);
    struct rng rng = rng_for(6, 1);
    struct err err = {0};

    for (size_t s = 0; s < SOURCES; s++) {
        for (size_t i = 0; i < ROWS; i++) {
            double *x = older->x[s][i];
            ck_assert_int_eq(space_sample(space, &rng, x, &err), 0);
            blur(space, &rng, x);
            double *value = &older->values[s][i];
            *value = s == 1 ? 2.5 : i % 5 == 0 ? 1e300 * rng_normal(&rng) : rng_normal(&rng);
            older->items[s][i] = (struct observation){
                .number = (int64_t)i + 1,
                .kind = s == 0 && i % 3 == 0 ? OBSERVED_PRUNED : OBSERVED_COMPLETED,
                .config = x,
                .n_values = 1,
                .values = value};
        }
        older->sources[s] =
            (struct source){.n = s == 2 ? 1 : ROWS, .items = older->items[s], .name = "older"};
    }
    return older;
}

/* ---- asking ---- */

static struct study_def study_of(struct space *space, const char *strategy, uint64_t seed)
{
    struct study_def study = {.space = space, .seed = seed, .n_objectives = 1};

    (void)snprintf(study.strategy, sizeof study.strategy, "%s", strategy);
    (void)snprintf(study.objectives[0].metric, sizeof study.objectives[0].metric, "loss");
    study.limits = (struct limits){.trials = -1,
                                   .parallel = -1,
                                   .seconds = -1,
                                   .resource = -1,
                                   .failures = -1,
                                   .attempts = 3,
                                   .trial_seconds = -1,
                                   .stall_seconds = -1,
                                   .guest_share = -1};
    study.strategy_options = json_object();
    return study;
}

static void ask(const struct strategy *strategy, const struct study_def *study,
                const struct history *seen, uint64_t ordinal, double x[], enum err_code *code)
{
    struct suggestion out = {.config = x};
    struct err err = {0};

    for (size_t i = 0; i < study->space->n_params; i++) {
        x[i] = 777; /* what lay there before must not matter */
    }
    int rc = strategy->suggest(study, seen, ordinal, &out, &err);
    *code = rc == 0 ? ERR_NONE : err.code;
    if (rc != 0) {
        ck_assert_msg(err.code == ERR_EXHAUSTED, "%s: %s", strategy->name, err.text);
    } else {
        ck_assert_msg(space_is_legal(study->space, x), "%s, ordinal %d", strategy->name,
                      (int)ordinal);
    }
    if (rc == 0 && out.explain != NULL) {
        json_auto_t *why = json_loads(out.explain, 0, NULL);
        ck_assert(json_is_object(why));
    }
    free(out.explain);
    free(out.fit);
}

static bool same(const struct space *space, const double a[], const double b[])
{
    for (size_t i = 0; i < space->n_params; i++) {
        if (a[i] != b[i] && !(isnan(a[i]) && isnan(b[i]))) {
            return false;
        }
    }
    return true;
}

/* Ordinals forwards, then backwards: legal, and each the same both times. */
static void check_space(const struct strategy *strategy, int which, enum past past, bool after)
{
    OWN(space) struct space *space = make_space(which);
    struct study_def study = study_of(space, strategy->name, 11);
    OWN(memory) struct past_study *tale = make_past(space, past);
    OWN(memory) struct older *older = make_older(space);
    double first[ASKS][SPACE_GRID_PARAMS_MAX];
    double again[SPACE_GRID_PARAMS_MAX];
    enum err_code codes[ASKS];
    enum err_code code;

    if (past == PAST_BOUNDED) {
        study.n_bounds = 2;
        study.bounds[0] = (struct metric_bound){.metric = "p99", .limit = 0.5};
        study.bounds[1] = (struct metric_bound){.metric = "size", .is_lower = true};
    }
    if (after) {
        tale->history.n_sources = SOURCES;
        tale->history.sources = older->sources;
    }
    for (uint64_t i = 0; i < ASKS; i++) {
        ask(strategy, &study, &tale->history, tale->history.n + i + 1, first[i], &codes[i]);
    }
    for (uint64_t i = ASKS; i-- > 0;) {
        ask(strategy, &study, &tale->history, tale->history.n + i + 1, again, &code);
        ck_assert_int_eq(code, codes[i]);
        ck_assert_msg(code != ERR_NONE || same(space, first[i], again),
                      "%s, space %d, past %d, ask %d", strategy->name, which, (int)past, (int)i);
    }
    json_decref(study.strategy_options);
}

static size_t n_strategies(void)
{
    size_t n = 0;

    while (strategy_all()[n] != NULL) {
        n++;
    }
    return n;
}

/* _i counts strategies and pasts. */
START_TEST(suggestions_are_legal_and_repeatable)
{
    const struct strategy *strategy = strategy_all()[_i / PAST_COUNT];

    for (int which = 0; which < N_SPACES; which++) {
        check_space(strategy, which, (enum past)(_i % PAST_COUNT), false);
    }
}
END_TEST

START_TEST(older_studies_lead_nowhere_illegal)
{
    const struct strategy *strategy = strategy_all()[_i / PAST_COUNT];

    for (int which = 0; which < N_SPACES && strategy->transfers; which++) {
        check_space(strategy, which, (enum past)(_i % PAST_COUNT), true);
    }
}
END_TEST

START_TEST(every_space_is_accepted_and_counted)
{
    const struct strategy *strategy = strategy_all()[_i];

    for (int which = 0; which < N_SPACES; which++) {
        OWN(space) struct space *space = make_space(which);
        struct study_def study = study_of(space, strategy->name, 1);
        struct faults faults = {0};
        ck_assert_msg(strategy_check_study(&study, &faults) == 0, "%s: %s", strategy->name,
                      faults.n > 0 ? faults.items[0].detail : "");
        ck_assert_uint_gt(strategy->count(&study), 0);
        json_decref(study.strategy_options);
    }
}
END_TEST

/* Nobody wants the answer any more: the strategies that think give none. */
START_TEST(who_is_asked_to_stop_gives_no_suggestion)
{
    const struct strategy *strategy = strategy_all()[_i];
    OWN(space) struct space *space = make_space(0);
    struct study_def study = study_of(space, strategy->name, 3);
    OWN(memory) struct past_study *tale = make_past(space, PAST_GOOD);
    const atomic_bool stop = true;
    enum err_code code;
    double x[SPACE_GRID_PARAMS_MAX];
    struct suggestion out = {.config = x};
    struct err err = {0};

    tale->history.stop = &stop;
    int rc = strategy->suggest(&study, &tale->history, TRIALS + 1, &out, &err);
    ck_assert_int_eq(rc, strategy->is_async ? -1 : 0);
    ck_assert_int_eq(err.code, strategy->is_async ? ERR_OVERLOADED : ERR_NONE);
    free(out.explain);
    free(out.fit);
    tale->history.stop = NULL;
    ask(strategy, &study, &tale->history, TRIALS + 1, x, &code);
    ck_assert_int_eq(code, ERR_NONE);
    json_decref(study.strategy_options);
}
END_TEST

static bool is_documented(const char *kind)
{
    static const char *const kinds[] = {"initial_design", "transfer", "model",
                                        "grid",           "random",   "quasirandom"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i], kind) == 0) {
            return true;
        }
    }
    return false;
}

/* 200 parameters with names of 120 characters: whole, the alternatives would be too long. */
static struct space *make_wordy_space(void)
{
    OWN(buf) struct buf text;

    buf_init(&text, 100000);
    for (int i = 0; i < 200; i++) {
        buf_printf(&text, "%c{'name':'x%0119d','type':'float','low':0,'high':1,'grid':%d}",
                   i == 0 ? '[' : ',', i, i < 40 ? 2 : 1);
    }
    buf_puts(&text, "]");
    return space_or_abort(buf_text(&text), NULL);
}

/* Of every suggestion of a model something is noted, however large the space. */
START_TEST(every_suggestion_has_a_documented_origin)
{
    const struct strategy *strategy = strategy_all()[_i];
    OWN(space) struct space *space = make_wordy_space();
    struct study_def study = study_of(space, strategy->name, 3);
    OWN(memory) struct past_study *tale = make_past(space, PAST_GOOD);
    OWN(memory) double *x = calloc(space->n_params, sizeof *x);
    struct suggestion out = {.config = x};
    struct err err = {0};
    OWN(buf) struct buf text;

    buf_init(&text, 1000);
    ck_assert_msg(strategy->suggest(&study, &tale->history, TRIALS + 1, &out, &err) == 0, "%s",
                  err.text);
    ck_assert_msg(!strategy->needs_history || out.explain != NULL, "%s", strategy->name);
    json_auto_t *noted = out.explain == NULL ? NULL : json_loads(out.explain, 0, NULL);
    ck_assert(out.explain == NULL || json_is_object(noted));
    const char *kind = strategy_describe(strategy->name, noted, TRIALS + 1, &text);
    ck_assert_msg(is_documented(kind), "%s: %s", strategy->name, kind);
    ck_assert(is_documented(strategy_describe(strategy->name, NULL, TRIALS + 1, &text)));
    ck_assert(!text.failed);
    free(out.explain);
    free(out.fit);
    json_decref(study.strategy_options);
}
END_TEST

START_TEST(unknown_options_and_too_many_objectives_are_refused)
{
    const struct strategy *strategy = strategy_all()[_i];
    OWN(space) struct space *space = make_space(1);
    struct study_def study = study_of(space, strategy->name, 1);
    struct faults faults = {0};

    ck_assert_str_eq(strategy_find(strategy->name)->name, strategy->name);
    study.n_objectives = 2;
    ck_assert_int_eq(strategy_check_study(&study, &faults), strategy->multi_objective ? 0 : -1);
    ck_assert(strategy->multi_objective || strcmp(faults.items[0].pointer, "/objectives") == 0);
    faults_finish(&faults);
    study.n_objectives = 1;
    (void)json_object_set_new(study.strategy_options, "colour", json_true());
    ck_assert_int_eq(strategy_check_study(&study, &faults), -1);
    ck_assert_str_eq(faults.items[0].pointer, "/strategy/colour");
    faults_finish(&faults);
    json_decref(study.strategy_options);
}
END_TEST

START_TEST(unknown_strategies_are_refused_with_the_known_ones)
{
    OWN(space) struct space *space = make_space(1);
    struct study_def study = study_of(space, "simulated_annealing", 1);
    struct faults faults = {0};

    ck_assert_int_eq(strategy_check_study(&study, &faults), -1);
    ck_assert_str_eq(faults.items[0].pointer, "/strategy");
    ck_assert_ptr_nonnull(strstr(faults.items[0].detail, "grid, quasirandom, random"));
    faults_finish(&faults);
    json_decref(study.strategy_options);
}
END_TEST

START_TEST(seeds_lead_elsewhere)
{
    const struct strategy *strategy = strategy_all()[_i];
    OWN(space) struct space *space = make_space(0);
    struct study_def one = study_of(space, strategy->name, 1);
    struct study_def two = study_of(space, strategy->name, 2);
    struct history empty = {0};
    double a[SPACE_GRID_PARAMS_MAX];
    double b[SPACE_GRID_PARAMS_MAX];
    enum err_code code;
    int differ = 0;

    for (uint64_t ordinal = 1; ordinal <= 5; ordinal++) {
        ask(strategy, &one, &empty, ordinal, a, &code);
        ask(strategy, &two, &empty, ordinal, b, &code);
        differ += same(space, a, b) ? 0 : 1;
    }
    ck_assert_int_gt(differ, 0);
    json_decref(one.strategy_options);
    json_decref(two.strategy_options);
}
END_TEST

/* ---- streams ---- */

#define SEEDS 10
#define ORDINALS 1000

static int compare_words(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Neighbouring seeds share no stream, whatever the ordinal. */
static void check_distinct(uint64_t words[], size_t n)
{
    qsort(words, n, sizeof words[0], compare_words);
    for (size_t i = 1; i < n; i++) {
        ck_assert_uint_ne(words[i - 1], words[i]);
    }
}

START_TEST(ten_seeds_have_ten_thousand_streams)
{
    static uint64_t firsts[SEEDS * ORDINALS];

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        for (uint64_t ordinal = 1; ordinal <= ORDINALS; ordinal++) {
            struct rng rng = rng_for(seed, ordinal);
            firsts[seed * ORDINALS + ordinal - 1] = rng_next(&rng);
        }
    }
    check_distinct(firsts, SEEDS * ORDINALS);
}
END_TEST

START_TEST(ten_seeds_draw_ten_thousand_points)
{
    static const char *const names[] = {"random", "quasirandom"};
    static uint64_t points[SEEDS * ORDINALS];
    OWN(space)
    struct space *space = space_or_abort("[{'name':'x','type':'float','low':0,'high':1}]", NULL);
    struct history empty = {0};
    enum err_code code;
    double x[1];

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct study_def study = study_of(space, names[_i], seed);
        for (uint64_t ordinal = 1; ordinal <= ORDINALS; ordinal++) {
            ask(strategy_find(names[_i]), &study, &empty, ordinal, x, &code);
            memcpy(&points[seed * ORDINALS + ordinal - 1], x, sizeof x);
        }
        json_decref(study.strategy_options);
    }
    check_distinct(points, SEEDS * ORDINALS);
}
END_TEST

/* A search of a schedule never ends, but for one that numbers its points: a point that constraints
 * forbid is replaced. */
START_TEST(searches_are_never_exhausted)
{
    const struct strategy *strategy = strategy_all()[_i];
    const char *names[STRATEGIES_MAX + 1];
    size_t at = 0;
    OWN(space)
    struct space *space =
        space_or_abort("[{'name':'x','type':'float','low':0,'high':1},{'name':'b','type':'bool'}]",
                       "['x < 0.001 and b']");
    struct study_def study = study_of(space, strategy->name, 1);
    struct history empty = {0};
    enum err_code code;
    double x[2];

    strategy_searches(names);
    while (names[at] != NULL && strcmp(names[at], strategy->name) != 0) {
        at++;
    }
    ck_assert_int_eq(names[at] != NULL, strategy->is_search);
    for (uint64_t ordinal = 1; !strategy->enumerates && ordinal <= 100; ordinal++) {
        ask(strategy, &study, &empty, ordinal, x, &code);
        ck_assert_int_eq(code, ERR_NONE);
    }
    json_decref(study.strategy_options);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("strategies");
    TCase *tcase = tcase_create("strategies");
    int n = (int)n_strategies();

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, suggestions_are_legal_and_repeatable, 0, n * PAST_COUNT);
    tcase_add_loop_test(tcase, older_studies_lead_nowhere_illegal, 0, n * PAST_COUNT);
    tcase_add_loop_test(tcase, every_space_is_accepted_and_counted, 0, n);
    tcase_add_loop_test(tcase, who_is_asked_to_stop_gives_no_suggestion, 0, n);
    tcase_add_loop_test(tcase, every_suggestion_has_a_documented_origin, 0, n);
    tcase_add_loop_test(tcase, unknown_options_and_too_many_objectives_are_refused, 0, n);
    tcase_add_test(tcase, unknown_strategies_are_refused_with_the_known_ones);
    tcase_add_loop_test(tcase, seeds_lead_elsewhere, 0, n);
    tcase_add_test(tcase, ten_seeds_have_ten_thousand_streams);
    tcase_add_loop_test(tcase, ten_seeds_draw_ten_thousand_points, 0, 2);
    tcase_add_loop_test(tcase, searches_are_never_exhausted, 0, n);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

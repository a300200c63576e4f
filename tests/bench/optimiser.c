/* A strategy in this process, as a tuner that speaks JSON lines on standard input and output.
 *
 *   optimiser [--strategy NAME] [--explain FILE] [--times FILE]
 *
 * One object a line in, one a line out:
 *   {"op":"start","problem":{…},"seed":1,"workers":16,"multi_fidelity":false,
 *    "after":[{"name":"older","trials":[{"config":{…},"value":V}]}]} → {}   (after: need not be
 * there)
 *   {"op":"ask"} → {"key":K,"config":{…}}        {"op":"tell","key":K,"value":V} → {}
 *                                                {"op":"tell","key":K,"values":{"METRIC":V,…}} → {}
 *   {"op":"report","key":K,"fidelity":F,"value":V} → {"stop":false}    {"op":"stopped","key":K} →
 * {}
 *   {"op":"best"} → {"best":{"key":K,"observed":V,"expected":V,"deviation":V},
 *                    "recommended":{the same},"noise":V,"matters":true}   ({}: nothing is known)
 *   {"op":"end"} → {}                            what went wrong → {"error":"…"}
 * `problem` has `parameters` [{name, type, low, high, log, choices, condition: {parent, values}}]
 * and `direction`, or `objectives` [{metric, direction}], and may have `constraints` [{metric, op,
 * value}] on what a tell has in `values`. Served exactly: an ask sees every result
 * told before it. Each explanation and each ask's milliseconds of processor time can be kept in a
 * file, one a line. */
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/json.h"
#include "server/domain/transfer.h"
#include "server/strategy/gp/forecast.h"
#include "server/strategy/gp/recommendation.h"
#include "server/strategy/strategy.h"

struct run {
    const struct strategy *strategy;
    FILE *explanations, *times;
    struct study_def *study;
    size_t n, cap;
    struct observation *items;
    double **configs;
    struct curve_point **curves;
    size_t n_fits;
    struct fit *fits;
    size_t n_sources;
    struct source sources[SOURCES_MAX];
};

static void run_clear(struct run *run)
{
    for (size_t i = 0; i < run->n; i++) {
        free(run->configs[i]);
        free(run->curves[i]);
    }
    for (size_t i = 0; i < run->n_fits; i++) {
        free((void *)(uintptr_t)run->fits[i].data);
    }
    free(run->configs);
    free(run->curves);
    free(run->items);
    free(run->fits);
    study_def_destroy(run->study);
    for (size_t i = 0; i < run->n_sources; i++) {
        for (size_t k = 0; k < run->sources[i].n; k++) {
            free((void *)(uintptr_t)run->sources[i].items[k].config);
        }
        free((void *)(uintptr_t)run->sources[i].items);
    }
    *run = (struct run){
        .strategy = run->strategy, .explanations = run->explanations, .times = run->times};
}

static _Noreturn void fail(const char *text)
{
    (void)fprintf(stderr, "optimiser: %s\n", text);
    exit(1);
}

static void *need(void *memory)
{
    if (memory == NULL) {
        fail("no memory");
    }
    return memory;
}

/* One parameter of a problem as a study's body spells it. */
static json_t *parameter(const json_t *q)
{
    static const char *const same[] = {"name", "type", "low", "high", "choices"};
    json_t *p = json_object();
    const json_t *condition = json_object_get(q, "condition");

    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        json_t *value = json_object_get(q, same[i]);
        if (value != NULL) {
            (void)json_object_set(p, same[i], value);
        }
    }
    if (json_is_true(json_object_get(q, "log"))) {
        (void)json_object_set_new(p, "scale", json_string("log"));
    }
    if (json_is_object(condition)) {
        json_t *when = json_object();
        (void)json_object_set(when, json_string_value(json_object_get(condition, "parent")),
                              json_object_get(condition, "values"));
        (void)json_object_set_new(p, "when", when);
    }
    return p;
}

/* ["METRIC <= NUMBER", …] */
static json_t *bounds(const json_t *constraints)
{
    json_t *list = json_array();
    size_t i;
    json_t *one;

    json_array_foreach (json_unconst(constraints), i, one) {
        char text[METRIC_BOUND_BYTES];
        (void)snprintf(text, sizeof text, "%s %s %.17g",
                       json_string_value(json_object_get(one, "metric")),
                       json_string_value(json_object_get(one, "op")),
                       json_number_value(json_object_get(one, "value")));
        (void)json_array_append_new(list, json_string(text));
    }
    return list;
}

static json_t *study_body(const struct run *run, const json_t *problem, bool has_curves)
{
    json_t *parameters = json_array();
    size_t i;
    json_t *q;

    json_array_foreach (json_object_get(problem, "parameters"), i, q) {
        (void)json_array_append_new(parameters, parameter(q));
    }
    json_t *body = json_pack("{s:s, s:o, s:s}", "name", "bench", "parameters", parameters,
                             "strategy", run->strategy->name);
    json_t *objectives = json_object_get(problem, "objectives");
    if (json_array_size(objectives) > 0) {
        (void)json_object_set(body, "objectives", objectives);
    } else {
        (void)json_object_set_new(body, "metric", json_string("value"));
        (void)json_object_set(body, "direction", json_object_get(problem, "direction"));
    }
    if (json_array_size(json_object_get(problem, "constraints")) > 0) {
        (void)json_object_set_new(body, "subject_to",
                                  bounds(json_object_get(problem, "constraints")));
    }
    json_t *fidelity = json_object_get(problem, "fidelity");
    if (has_curves && json_is_object(fidelity)) { /* as the server has it under asha, predictive */
        (void)json_object_set_new(body, "strategy",
                                  json_pack("{s:s, s:s, s:s}", "name", "asha", "mode", "predictive",
                                            "search", run->strategy->name));
        (void)json_object_set_new(
            body, "resource",
            json_pack("{s:O, s:O, s:O}", "name", json_object_get(fidelity, "name"), "min",
                      json_object_get(fidelity, "min"), "max", json_object_get(fidelity, "max")));
    }
    return body;
}

static json_t *failure(const char *text)
{
    return json_pack("{s:s}", "error", text);
}

/* One source study, of the same parameters as the problem: its trials, as the server passes them.
 */
static const char *add_source(struct run *run, const json_t *older)
{
    const struct space *space = run->study->space;
    const json_t *trials = json_object_get(older, "trials");
    size_t n = json_array_size(trials);
    struct observation *rows = need(calloc(n + 1, sizeof *rows));
    size_t *order = need(calloc(n + 1, sizeof *order));
    struct source *source = &run->sources[run->n_sources++];
    struct faults faults = {0};
    size_t i;
    json_t *trial;

    json_array_foreach (json_unconst(trials), i, trial) {
        double *x = need(calloc(space->n_params + 1, sizeof *x)); /* and its value */
        if (space_config_from_json(space, json_object_get(trial, "config"), x, "", &faults) != 0) {
            faults.total++; /* reported below */
        }
        x[space->n_params] = json_number_value(json_object_get(trial, "value"));
        rows[i] = (struct observation){.number = (int64_t)i + 1,
                                       .kind = OBSERVED_COMPLETED,
                                       .config = x,
                                       .n_values = 1,
                                       .values = x + space->n_params};
    }
    struct observation *kept = need(calloc(SOURCE_ROWS_MAX, sizeof *kept));
    if (transfer_choose(n, rows, study_cost(run->study, 1.0), order, &source->n, NULL) != 0) {
        abort();
    }
    source->items = kept;
    (void)snprintf(source->name, sizeof source->name, "%s",
                   json_string_value(json_object_get(older, "name")));
    for (i = 0; i < source->n; i++) {
        kept[i] = rows[order[i]];
        rows[order[i]].config = NULL;
    }
    for (i = 0; i < n; i++) {
        free((void *)(uintptr_t)rows[i].config);
    }
    free(rows);
    free(order);
    bool is_bad = faults.total > 0;
    faults_finish(&faults);
    return is_bad ? "a trial of an older study is no configuration of this problem" : NULL;
}

static json_t *start(struct run *run, const json_t *message)
{
    struct faults faults = {0};
    struct err err = {0};
    json_auto_t *body = study_body(run, json_object_get(message, "problem"),
                                   json_is_true(json_object_get(message, "multi_fidelity")));
    uint64_t seed = (uint64_t)json_integer_value(json_object_get(message, "seed"));

    run_clear(run);
    if (study_def_from_json(body, seed, &run->study, &faults) != 0) {
        bool has_fault = faults_result(&faults, &err) != 0;
        faults_finish(&faults);
        return failure(has_fault ? err.text : "the problem is no study");
    }
    size_t i;
    json_t *older;
    json_array_foreach (json_object_get(message, "after"), i, older) {
        const char *fault = i < SOURCES_MAX ? add_source(run, older) : "too many source studies";
        if (fault != NULL) {
            return failure(fault);
        }
    }
    return json_object();
}

static void keep_fit(struct run *run, struct suggestion *made)
{
    if (made->fit != NULL) {
        run->fits = need(realloc(run->fits, (run->n_fits + 1) * sizeof *run->fits));
        run->fits[run->n_fits++] =
            (struct fit){.n_seen = made->fit_n_seen, .bytes = made->fit_bytes, .data = made->fit};
    }
}

/* The strategy gets finished trials first, in the order in which they ended, then of pending
 * ones; here trials keep their places and the strategy must accept that. */
static json_t *ask(struct run *run)
{
    size_t d = run->study->space->n_params;
    struct suggestion made = {.config =
                                  need(calloc(d + OBJECTIVES_MAX + BOUNDS_MAX, sizeof(double)))};
    struct history seen = {.n = run->n,
                           .items = run->items,
                           .n_fits = run->n_fits,
                           .fits = run->fits,
                           .n_sources = run->n_sources,
                           .sources = run->sources};
    struct err err = {0};
    struct timespec from;
    struct timespec to;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    if (run->strategy->suggest(run->study, &seen, run->n + 1, &made, &err) != 0) {
        free(made.config);
        return failure(err.text);
    }
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    if (run->times != NULL) {
        (void)fprintf(run->times, "%zu %.3f\n", run->n,
                      (double)(to.tv_sec - from.tv_sec) * 1e3
                          + (double)(to.tv_nsec - from.tv_nsec) / 1e6);
    }
    if (run->explanations != NULL && made.explain != NULL) {
        (void)fprintf(run->explanations, "%s\n", made.explain);
    }
    free(made.explain);
    keep_fit(run, &made);
    run->items = need(realloc(run->items, (run->n + 1) * sizeof *run->items));
    run->configs = need(realloc(run->configs, (run->n + 1) * sizeof *run->configs));
    run->curves = need(realloc(run->curves, (run->n + 1) * sizeof *run->curves));
    run->configs[run->n] = made.config;
    run->curves[run->n] = NULL;
    run->items[run->n] = (struct observation){.number = (int64_t)run->n + 1,
                                              .ordinal = run->n + 1,
                                              .kind = OBSERVED_PENDING,
                                              .config = made.config};
    run->n++;
    OWN(buf) struct buf text;
    struct json_writer w;
    buf_init(&text, 1 << 20);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    json_write_key(&w, "config");
    space_config_write(run->study->space, made.config, &w);
    json_object_end(&w);
    json_t *answer = json_loads(buf_text(&text), 0, NULL);
    (void)json_object_set_new(answer, "key", json_integer((json_int_t)run->n));
    return answer;
}

static struct observation *find(struct run *run, const json_t *message)
{
    json_int_t key = json_integer_value(json_object_get(message, "key"));

    return key < 1 || (size_t)key > run->n ? NULL : &run->items[key - 1];
}

/* They stand behind the configuration. */
static void set_values(struct run *run, struct observation *item, const double values[])
{
    double *place = run->configs[item->number - 1] + run->study->space->n_params;

    item->n_values = run->study->n_objectives;
    memcpy(place, values, item->n_values * sizeof *place);
    item->values = place;
}

static double number_or_nan(const json_t *value)
{
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

/* They stand behind the values of all objectives there may be. */
static void set_bounded(const struct run *run, struct observation *item, const json_t *all)
{
    double *place = run->configs[item->number - 1] + run->study->space->n_params + OBJECTIVES_MAX;

    for (size_t i = 0; i < run->study->n_bounds; i++) {
        place[i] = number_or_nan(json_object_get(all, run->study->bounds[i].metric));
    }
    item->n_bounded = run->study->n_bounds;
    item->bounded = place;
}

static json_t *tell(struct run *run, const json_t *message)
{
    const json_t *all = json_object_get(message, "values");
    struct observation *item = find(run, message);
    double values[OBJECTIVES_MAX];
    bool is_finite = true;

    if (item == NULL) {
        return failure("tell: no such key");
    }
    for (size_t i = 0; i < run->study->n_objectives; i++) {
        const char *metric = run->study->objectives[i].metric;
        values[i] = number_or_nan(all == NULL ? json_object_get(message, "value")
                                              : json_object_get(all, metric));
        is_finite = is_finite && isfinite(values[i]);
    }
    set_values(run, item, values);
    set_bounded(run, item, all);
    item->kind = is_finite ? OBSERVED_COMPLETED : OBSERVED_FAILED;
    return json_object();
}

static bool is_better(const struct run *run, double a, double b)
{
    return run->study->objectives[0].direction == DIRECTION_MAXIMIZE ? a > b : a < b;
}

/* The trial's rank among those that came to this level: on exactly while it is of the best third.
 */
static bool falls_behind(const struct run *run, const struct observation *item, int64_t level,
                         double value)
{
    size_t there = 0;
    size_t ahead = 0;

    for (size_t i = 0; i < run->n; i++) {
        const struct observation *other = &run->items[i];
        for (size_t k = 0; k < other->n_curve; k++) {
            if (other->curve[k].step == level) {
                there++;
                ahead += other != item && !is_better(run, value, other->curve[k].value);
            }
        }
    }
    size_t quota = there / 3;
    return ahead >= (quota < 1 ? 1 : quota);
}

static bool is_level(const struct run *run, int64_t step)
{
    int64_t levels[64];
    size_t n = forecast_levels(run->study, 3.0, levels);

    for (size_t i = 0; i + 1 < n; i++) {
        if (levels[i] == step) {
            return true;
        }
    }
    return false;
}

static bool must_stop(struct run *run, const struct observation *item, int64_t step, double value)
{
    struct history seen = {.n = run->n,
                           .items = run->items,
                           .n_fits = run->n_fits,
                           .fits = run->fits,
                           .n_sources = run->n_sources,
                           .sources = run->sources};
    struct forecast forecast;

    if (!is_level(run, step)) {
        return false;
    }
    if (!isfinite(value)) {
        return true;
    }
    if (strategy_forecast(run->study, &seen, item->number, &forecast, NULL) != 0
        || !forecast.known) {
        return falls_behind(run, item, step, value);
    }
    struct suggestion carrier = {
        .fit = forecast.fit, .fit_bytes = forecast.fit_bytes, .fit_n_seen = forecast.fit_n_seen};
    keep_fit(run, &carrier);
    return forecast.chance < 0.1;
}

static json_t *report(struct run *run, const json_t *message)
{
    struct observation *item = find(run, message);
    int64_t step = json_integer_value(json_object_get(message, "fidelity"));
    double value = json_number_value(json_object_get(message, "value"));

    if (item == NULL) {
        return failure("report: no such key");
    }
    struct curve_point **curve = &run->curves[item->number - 1];
    *curve = need(realloc(*curve, (item->n_curve + 1) * sizeof **curve));
    (*curve)[item->n_curve++] = (struct curve_point){.step = step, .value = value};
    item->curve = *curve;
    item->step = step;
    return json_pack("{s:b}", "stop", must_stop(run, item, step, value));
}

static json_t *stopped(struct run *run, const json_t *message)
{
    struct observation *item = find(run, message);

    if (item == NULL || item->n_curve == 0) {
        return failure("stopped: no such key");
    }
    item->kind = OBSERVED_PRUNED;
    set_values(run, item, &item->curve[item->n_curve - 1].value);
    return json_object();
}

static json_t *chosen_trial(const struct recommended_trial *trial)
{
    return json_pack("{s:I, s:f, s:f, s:f}", "key", (json_int_t)trial->number, "observed",
                     trial->observed, "expected", trial->expected, "deviation", trial->deviation);
}

/* The best observed trial and the recommended one; {} where none is known. */
static json_t *best(const struct run *run)
{
    const struct history seen = {.n = run->n, .items = run->items};
    OWN(recommendation) struct recommendation made = {0};
    struct err err = {0};

    if (strategy_recommend(run->study, &seen, 0, &made, &err) != 0) {
        return failure(err.text);
    }
    return !made.known ? json_object()
                       : json_pack("{s:o, s:o, s:f, s:b}", "best", chosen_trial(&made.best),
                                   "recommended", chosen_trial(&made.trial), "noise", made.noise,
                                   "matters", recommendation_matters(&made));
}

static json_t *serve(struct run *run, const json_t *message)
{
    const char *op = json_string_value(json_object_get(message, "op"));

    if (op == NULL) {
        return failure("every line is an object with an \"op\"");
    }
    if (strcmp(op, "start") == 0) {
        return start(run, message);
    }
    if (run->study == NULL) {
        return failure("start a study first");
    }
    if (strcmp(op, "ask") == 0) {
        return ask(run);
    }
    if (strcmp(op, "tell") == 0) {
        return tell(run, message);
    }
    if (strcmp(op, "report") == 0) {
        return report(run, message);
    }
    if (strcmp(op, "stopped") == 0) {
        return stopped(run, message);
    }
    if (strcmp(op, "best") == 0) {
        return best(run);
    }
    if (strcmp(op, "end") == 0) {
        run_clear(run);
        return json_object();
    }
    return failure("unknown op: use start, ask, tell, report, stopped, best, end");
}

static FILE *open_file(const char *path)
{
    FILE *file = fopen(path, "we");

    if (file == NULL) {
        fail("cannot write the file of explanations or times");
    }
    return file;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"strategy", required_argument, NULL, 's'},
                                            {"explain", required_argument, NULL, 'e'},
                                            {"times", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    struct run run = {.strategy = strategy_find("bayesian")};
    char *line = NULL;
    size_t cap = 0;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's') {
            run.strategy = strategy_find(optarg);
        } else if (option == 'e') {
            run.explanations = open_file(optarg);
        } else if (option == 't') {
            run.times = open_file(optarg);
        } else {
            fail("usage: optimiser [--strategy NAME] [--explain FILE] [--times FILE]");
        }
    }
    if (run.strategy == NULL) {
        fail("there is no such strategy");
    }
    while (getline(&line, &cap, stdin) > 0) {
        json_auto_t *message = json_loads(line, 0, NULL);
        json_auto_t *answer = serve(&run, message);
        (void)json_dumpf(answer, stdout, JSON_COMPACT);
        (void)fputc('\n', stdout);
        (void)fflush(stdout);
    }
    run_clear(&run);
    free(line);
    if (run.explanations != NULL) {
        (void)fclose(run.explanations);
    }
    if (run.times != NULL) {
        (void)fclose(run.times);
    }
    return 0;
}

#include "worker/cli/define/definition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/define/goals.h"
#include "worker/cli/define/params.h"
#include "worker/cli/define/scalar.h"
#include "worker/cli/define/span.h"
#include "worker/cli/define/study_file.h"

enum {
    KEY_MAXIMIZE = 0x2000,
    KEY_MINIMIZE,
    KEY_CONSTRAINT,
    KEY_SUBJECT_TO,
    KEY_STRATEGY,
    KEY_RESOURCE,
    KEY_STOPPING,
    KEY_SEED,
    KEY_AFTER,
    KEY_DESCRIPTION,
    KEY_LABEL,
    KEY_PRIORITY,
    KEY_TRIALS,
    KEY_PARALLEL,
    KEY_BUDGET,
    KEY_TIME_LIMIT,
    KEY_TARGET,
    KEY_GOAL,
    KEY_FAILURES,
    KEY_RETRIES,
    KEY_TRIAL_TIME,
    KEY_STALL_TIME,
    KEY_GUEST_SHARE,
};

static const struct argp_option definition_options[] = {
    {"file", 'f', "FILE", 0, "the study in JSON or YAML; - reads standard input\vSee STUDY FILES.",
     1},
    {"param", 'P', "NAME=DOMAIN", 0,
     "a parameter: lr=log:1e-5..1e-1, units=int:16..512, kernel=rbf,poly\vSee DOMAINS.", 1},
    {"maximize", KEY_MAXIMIZE, "METRIC", 0,
     "the metric to make large\vMay be repeated: a study with several objectives has a front of "
     "trials "
     "that no other one beats in all of them, instead of a best.",
     1},
    {"minimize", KEY_MINIMIZE, "METRIC", 0,
     "the metric to make small\vMay be repeated, and go with --maximize.", 1},
    {"goal", KEY_GOAL, "BOUND", 0,
     "what is wanted at least of one of several objectives: 'loss <= 0.1'\vMETRIC <= NUMBER of one "
     "that is minimized, METRIC >= NUMBER of one that is maximized; one for each objective at "
     "most. "
     "Only what is better than all goals counts for the front's hypervolume, so that the search "
     "goes there.",
     1},
    {"constraint", KEY_CONSTRAINT, "EXPR", 0,
     "only configurations where this holds: 'units * layers <= 1024'\vNames of other characters "
     "than letters, digits and _ stand in backquotes: '`learning rate` < 0.1'; a backquote in them "
     "is written twice.",
     1},
    {"subject-to", KEY_SUBJECT_TO, "BOUND", 0,
     "only trials where this holds count as the best: 'p99_ms <= 500'\vA bound on a metric that "
     "the "
     "trials report, METRIC <= NUMBER or METRIC >= NUMBER, in the metric's own unit; may be "
     "repeated, "
     "up to 8. A trial that violates one is completed all the same, and the search learns from it. "
     "Names with one of < > = ! in them stand in backquotes.",
     1},
    {"strategy", KEY_STRATEGY, "NAME[,OPTION=VALUE]", 0,
     "how to search: random or hyperband,eta=3,search=bayesian\vThe server chooses unless said. "
     "With search=grid a schedule goes over every point of a grid, and ends when all have been "
     "tried.",
     2},
    {"resource", KEY_RESOURCE, "NAME=MIN..MAX[:STEP]", 0,
     "what a trial is trained with: epochs=1..81, epochs=0.25..16:0.25\vEach rung is rounded to a "
     "multiple of STEP, which is 1 unless said where MIN and MAX are whole numbers, else one in "
     "the last decimal place of MIN and MAX, or finer: write :0.25 for quarters. A definition may "
     "also name the unit that steps are counted in, for a clock's seconds: {name: seconds, min: "
     "10, max: 600, unit: 0.001}; what a job reports is rounded to the nearest one.",
     2},
    {"stopping", KEY_STOPPING, "RULE[,OPTION=VALUE]", 0, "when to give a trial up: median,after=5",
     2},
    {"seed", KEY_SEED, "N", 0, "the same seed and definition give the same trials", 2},
    {"after", KEY_AFTER, "STUDY", 0,
     "learn from this older study too; may be repeated\vIt must be finished or stopped and improve "
     "its metric in the same direction. The new study begins with the best that was found there, "
     "and follows what its results say for as long as they put the new results in the right order. "
     "Its trials are copied when the new study is made.",
     2},
    {"trials", KEY_TRIALS, "N", 0, "try this many configurations", 3},
    {"parallel", KEY_PARALLEL, "N", 0, "run at most this many at once, over all workers", 3},
    {"budget", KEY_BUDGET, "N", 0,
     "train with this much of the resource, all trials together\vFor studies with --resource: "
     "--budget 8100 is 100 trainings of 81 epochs.",
     3},
    {"time-limit", KEY_TIME_LIMIT, "SPAN", 0, "hand nothing out after this long: 90s, 15m, 2h, 1d",
     3},
    {"target", KEY_TARGET, "VALUE", 0, "end when a trial is at least this good", 3},
    {"failures", KEY_FAILURES, "N", 0,
     "end after this many failed trials\vUnless said, a study ends when its first 5 trials failed "
     "and none had a value, and later when 50 trials in a row failed.",
     3},
    {"retries", KEY_RETRIES, "N", 0, "try a trial that failed by itself again this often", 3},
    {"trial-time", KEY_TRIAL_TIME, "SPAN", 0, "end a trial that takes longer", 3},
    {"stall-time", KEY_STALL_TIME, "SPAN", 0, "end a trial that reports nothing for so long", 3},
    {"guest-share", KEY_GUEST_SHARE, "SHARE", 0,
     "of the trials, from 0 to 1, those that may be enqueued\vUnless said, programs that propose "
     "trials through MCP may propose 0.3 of them, and people any number.",
     3},
    {"description", KEY_DESCRIPTION, "TEXT", 0, "for people", 4},
    {"label", KEY_LABEL, "KEY=VALUE", 0, "for people and queries; may be repeated", 4},
    {"priority", KEY_PRIORITY, "N", 0, "free workers go to the study with the highest one", 4},
    {0},
};

void definition_finish(struct definition *definition)
{
    json_decref(definition->given);
    json_decref(definition->goals);
    json_decref(definition->arguments);
    definition->given = NULL;
    definition->goals = NULL;
    definition->arguments = NULL;
}

/* ---- options -------------------------------------------------------------------------------- */

static json_t *member(json_t *object, const char *key, json_t *fresh)
{
    json_t *value = json_object_get(object, key);

    if (value == NULL) {
        (void)json_object_set_new(object, key, fresh);
        return json_object_get(object, key);
    }
    json_decref(fresh);
    return value;
}

static void add_objective(struct definition *definition, const char *metric, const char *direction)
{
    json_t *objectives = member(definition->given, "objectives", json_array());

    (void)json_array_append_new(objectives,
                                json_pack("{s:s, s:s}", "metric", metric, "direction", direction));
}

static void add_parameter(struct definition *definition, const char *argument,
                          const struct argp_state *state)
{
    struct err err = {0};
    json_t *parameter;

    if (param_from_argument(argument, &parameter, &err) != 0) {
        argp_error(state, "%s", err.text);
    }
    (void)json_array_append_new(member(definition->given, "parameters", json_array()), parameter);
    (void)json_object_set_new(definition->arguments,
                              json_string_value(json_object_get(parameter, "name")),
                              json_string(argument));
}

static void add_number(json_t *object, const char *key, const char *option, const char *text,
                       bool whole, const struct argp_state *state)
{
    json_t *number = scalar_number(text);

    if (number == NULL || (whole && !json_is_integer(number))) {
        argp_error(state, "--%s %s: this is no %s", option, text,
                   whole ? "whole number" : "number");
    }
    (void)json_object_set_new(object, key, number);
}

static void add_span(json_t *limits, const char *key, const char *option, const char *text,
                     const struct argp_state *state)
{
    double seconds = span_seconds(text);

    if (!(seconds > 0)) {
        argp_error(state, "--%s %s: write seconds or a span such as 90s, 15m, 2h, 1d", option,
                   text);
    }
    (void)json_object_set_new(limits, key, json_real(seconds));
}

static void add_choice(struct definition *definition, const char *key, const char *name_key,
                       const char *argument, const struct argp_state *state)
{
    struct err err = {0};
    json_t *choice;

    if (choice_from_argument(argument, name_key, &choice, &err) != 0) {
        argp_error(state, "--%s %s", key, err.text);
    }
    (void)json_object_set_new(definition->given, key, choice);
}

static void add_resource(struct definition *definition, const char *argument,
                         const struct argp_state *state)
{
    struct err err = {0};
    json_t *resource;

    if (resource_from_argument(argument, &resource, &err) != 0) {
        argp_error(state, "%s", err.text);
    }
    (void)json_object_set_new(definition->given, "resource", resource);
}

static void add_label(struct definition *definition, char *argument, const struct argp_state *state)
{
    char *equals = strchr(argument, '=');

    if (equals == NULL || equals == argument) {
        argp_error(state, "--label %s: write KEY=VALUE", argument);
        return;
    }
    *equals = '\0';
    (void)json_object_set_new(member(definition->given, "labels", json_object()), argument,
                              json_string(equals + 1));
    *equals = '=';
}

static const struct {
    int key;
    const char *member, *option;
    enum { WHOLE, REAL, SPAN } kind;
} limits[] = {
    {KEY_TRIALS, "trials", "--trials", WHOLE},
    {KEY_PARALLEL, "parallel", "--parallel", WHOLE},
    {KEY_FAILURES, "failures", "--failures", WHOLE},
    {KEY_RETRIES, "retries", "--retries", WHOLE},
    {KEY_TARGET, "target", "--target", REAL},
    {KEY_GUEST_SHARE, "guest_share", "--guest-share", REAL},
    {KEY_BUDGET, "resource", "--budget", REAL},
    {KEY_TIME_LIMIT, "seconds", "--time-limit", SPAN},
    {KEY_TRIAL_TIME, "trial_seconds", "--trial-time", SPAN},
    {KEY_STALL_TIME, "stall_seconds", "--stall-time", SPAN},
};
static const size_t n_limits = sizeof limits / sizeof limits[0];

const char *definition_limit_option(const char *name)
{
    for (size_t i = 0; i < n_limits; i++) {
        if (strcmp(limits[i].member, name) == 0) {
            return limits[i].option;
        }
    }
    return NULL;
}

static error_t parse_limit(struct definition *definition, int key, const char *arg,
                           const struct argp_state *state)
{
    for (size_t i = 0; i < n_limits; i++) {
        if (limits[i].key == key) {
            json_t *object = member(definition->given, "limits", json_object());
            if (limits[i].kind == SPAN) {
                add_span(object, limits[i].member, limits[i].option + 2, arg, state);
            } else {
                add_number(object, limits[i].member, limits[i].option + 2, arg,
                           limits[i].kind == WHOLE, state);
            }
            return 0;
        }
    }
    return ARGP_ERR_UNKNOWN;
}

static error_t parse_definition(int key, char *arg, struct argp_state *state)
{
    struct definition *definition = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        definition->given = json_object();
        definition->goals = json_array();
        definition->arguments = json_object();
        return 0;
    case 'f':
        definition->file = arg;
        return 0;
    case 'P':
        add_parameter(definition, arg, state);
        return 0;
    case KEY_MAXIMIZE:
    case KEY_MINIMIZE:
        add_objective(definition, arg, key == KEY_MAXIMIZE ? "maximize" : "minimize");
        return 0;
    case KEY_GOAL:
        (void)json_array_append_new(definition->goals, json_string(arg));
        return 0;
    case KEY_CONSTRAINT:
        (void)json_array_append_new(member(definition->given, "constraints", json_array()),
                                    json_string(arg));
        return 0;
    case KEY_SUBJECT_TO:
        (void)json_array_append_new(member(definition->given, "subject_to", json_array()),
                                    json_string(arg));
        return 0;
    case KEY_STRATEGY:
        add_choice(definition, "strategy", "name", arg, state);
        return 0;
    case KEY_STOPPING:
        add_choice(definition, "stopping", "rule", arg, state);
        return 0;
    case KEY_RESOURCE:
        add_resource(definition, arg, state);
        return 0;
    case KEY_SEED:
        add_number(definition->given, "seed", "seed", arg, true, state);
        return 0;
    case KEY_AFTER:
        (void)json_array_append_new(member(definition->given, "after", json_array()),
                                    json_string(arg));
        return 0;
    case KEY_PRIORITY:
        add_number(definition->given, "priority", "priority", arg, true, state);
        return 0;
    case KEY_DESCRIPTION:
        (void)json_object_set_new(definition->given, "description", json_string(arg));
        return 0;
    case KEY_LABEL:
        add_label(definition, arg, state);
        return 0;
    default:
        return parse_limit(definition, key, arg, state);
    }
}

/* Behind the options of every verb that takes a definition. */
static const char domains[] =
    "\v"
    "-P NAME=DOMAIN, once for each parameter:\n"
    "  lr=log:1e-5..1e-1        a float, searched by its logarithm\n"
    "  momentum=0.5..0.99       a float, also float:0..10\n"
    "  units=int:16..512        an integer; log-int:16..4096 by its logarithm\n"
    "  dropout=0..0.8:0.1       in steps; units=int:16..512:16\n"
    "  kernel=rbf,poly          one of these; ordinal:s,m,l in this order\n"
    "  amp=bool                 true or false; const:10 is always 10\n"
    "  noise=normal:0,1         mean and deviation; lognormal: of the logarithm\n"
    "  'degree=int:2..5 if kernel=poly'\n"
    "                           only where another has this value\n"
    "hone-study(1) has all of it.\n";

const struct argp definition_argp = {
    definition_options, parse_definition, NULL, domains, NULL, NULL, NULL};

/* ---- both together -------------------------------------------------------------------------- */

/* Puts the parameter in the place of those of its name, or at the end. */
static void merge_parameter(json_t *into, json_t *parameter)
{
    const json_t *name = json_object_get(parameter, "name");
    size_t at = json_array_size(into);

    for (size_t j = json_array_size(into); j-- > 0;) {
        if (json_equal(json_object_get(json_array_get(into, j), "name"), name)) {
            if (at < json_array_size(into)) {
                (void)json_array_remove(into, at);
            }
            at = j;
        }
    }
    (void)(at < json_array_size(into) ? json_array_set(into, at, parameter)
                                      : json_array_append(into, parameter));
}

void definition_merge_parameters(json_t *into, const json_t *given)
{
    size_t i;
    json_t *parameter;

    json_array_foreach (json_unconst(given), i, parameter) {
        merge_parameter(into, parameter);
    }
}

static void merge(json_t *body, const json_t *given)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(given), key, value) {
        json_t *known = json_object_get(body, key);
        if (strcmp(key, "parameters") == 0 && json_is_array(known)) {
            definition_merge_parameters(known, value);
        } else if (json_is_object(known) && strcmp(key, "strategy") != 0
                   && strcmp(key, "stopping") != 0) {
            (void)json_object_update(known, value);
        } else {
            (void)json_object_set(body, key, value);
        }
    }
    if (json_object_get(given, "objectives") != NULL) { /* the file's short form gives way */
        (void)json_object_del(body, "metric");
        (void)json_object_del(body, "direction");
    }
}

void definition_apply(const struct definition *definition, json_t *study)
{
    merge(study, definition->given);
}

int definition_merge(const struct definition *definition, const char *name, json_t **body,
                     struct err *err)
{
    json_auto_t *whole = json_object();
    json_auto_t *file = NULL;

    if (definition->file != NULL) {
        TRY(study_file_read(definition->file, &file, err));
    }
    if (name != NULL) {
        (void)json_object_set_new(whole, "name", json_string(name));
        (void)(file == NULL ? 0 : json_object_del(file, "name"));
    }
    if (file != NULL) {
        (void)json_object_update(whole, file);
    }
    merge(whole, definition->given);
    TRY(goals_put(definition->goals, whole, err));
    *body = json_incref(whole);
    return 0;
}

int definition_body(const struct definition *definition, const char *name, json_t **body,
                    struct err *err)
{
    json_auto_t *whole = NULL;

    TRY(definition_merge(definition, name, &whole, err));
    if (json_object_get(whole, "name") == NULL) {
        return err_set(err, ERR_INVALID, "the study needs a name: as an argument, or in the file");
    }
    if (json_object_get(whole, "objectives") == NULL && json_object_get(whole, "metric") == NULL) {
        return err_set(err, ERR_INVALID,
                       "say what to improve: --maximize METRIC or --minimize METRIC");
    }
    if (json_object_get(whole, "parameters") == NULL) {
        return err_set(err, ERR_INVALID,
                       "say what to tune: -P NAME=DOMAIN, such as -P lr=log:1e-5..1e-1");
    }
    *body = json_incref(whole);
    return 0;
}

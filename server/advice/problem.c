#include "server/advice/problem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/advice/sentence.h"
#include "server/schedule/schedule.h"
#include "server/schedule/tables.h"

#define SECONDS_MAX 3e9 /* some 95 years, as in a study's limits */
#define WORKERS_MAX 1000000

void problem_finish(struct problem *problem)
{
    study_def_destroy(problem->read);
    json_decref(problem->body);
    json_decref(problem->assumed);
    *problem = (struct problem){0};
}

/* ---- reading --------------------------------------------------------------------------------- */

static double read_seconds(struct fields *f, const char *name)
{
    double seconds = fields_real(f, name, (double)NAN);

    if (seconds <= 0 || seconds > SECONDS_MAX) {
        fields_fault(f, name, "must be greater than 0 and at most 3e9 seconds");
    }
    return isnan(seconds) ? 0.0 : seconds;
}

static enum answer read_answer(struct fields *f, const char *name)
{
    if (!fields_has(f, name)) {
        return ANSWER_UNKNOWN;
    }
    return fields_bool(f, name, false) ? ANSWER_YES : ANSWER_NO;
}

static enum experience read_experience(struct fields *f)
{
    static const char *const names[] = {
        [EXPERIENCE_NEW] = "new", [EXPERIENCE_SOME] = "some", [EXPERIENCE_EXPERT] = "expert"};
    const char *name = fields_string(f, "experience", NULL);

    for (int i = EXPERIENCE_NEW; name != NULL && i <= (int)EXPERIENCE_EXPERT; i++) {
        if (strcmp(name, names[i]) == 0) {
            return (enum experience)i;
        }
    }
    if (name != NULL) {
        fields_fault(f, "experience", "must be \"new\", \"some\" or \"expert\"");
    }
    return EXPERIENCE_UNKNOWN;
}

static void read_factors(const json_t *body, struct problem *problem, struct faults *faults)
{
    struct fields f;

    fields_begin(&f, body, "", faults);
    problem->evaluation_seconds = read_seconds(&f, "evaluation_seconds");
    problem->available_seconds = read_seconds(&f, "available_seconds");
    problem->worker_seconds = read_seconds(&f, "worker_seconds");
    problem->workers = fields_int(&f, "workers", 0, 1, WORKERS_MAX);
    problem->noisy = read_answer(&f, "noisy");
    problem->checkpoints = read_answer(&f, "checkpoints");
    problem->experience = read_experience(&f);
    /* no fields_end(): study_def_from_json() reads all other members and refuses unknown ones */
}

static const char *const factors[] = {
    "evaluation_seconds", "available_seconds", "worker_seconds", "workers", "noisy",
    "checkpoints",        "experience"};

static bool is_factor(const char *name)
{
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        if (strcmp(name, factors[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The members of the study, completed with those that a study needs and advice does not. */
static json_t *study_part(const json_t *body, json_t *assumed)
{
    const json_t *name = json_object_get(body, "name");
    json_t *part = json_object();
    const char *key;
    json_t *value;

    (void)json_object_set_new(part, "name",
                              name == NULL ? json_string("advised") : json_deep_copy(name));
    if (json_object_get(body, "objectives") == NULL && json_object_get(body, "metric") == NULL
        && json_object_get(body, "direction") == NULL) {
        (void)json_object_set_new(part, "metric", json_string("loss"));
        (void)json_object_set_new(part, "direction", json_string("minimize"));
        sentence_add(assumed, "one objective, called loss, is to be made small");
    }
    json_object_foreach (json_unconst(body), key, value) {
        if (!is_factor(key)) {
            (void)json_object_set(part, key, value);
        }
    }
    return part;
}

/* Adds the faults of the stopping rule, which do not depend on the strategy. */
static void check_stopping(const struct study_def *study, struct faults *faults)
{
    struct study_def plain = *study; /* a shallow copy */

    (void)snprintf(plain.strategy, sizeof plain.strategy, "random");
    plain.chosen = (struct chosen){0};
    schedule_check(&plain, NULL, faults);
}

int problem_from_json(const json_t *body, struct problem *problem, struct faults *faults)
{
    OWN(problem) struct problem read = {0};
    size_t before = faults->total;
    size_t failures = json_failures();

    if (!json_is_object(body)) {
        faults_add(faults, "", "must be an object that describes what is to be tuned");
        return -1;
    }
    read_factors(body, &read, faults);
    read.assumed = json_array();
    read.body = study_part(body, read.assumed);
    if (json_failures() != failures) {
        faults_no_memory(faults);
        return -1;
    }
    if (study_def_from_json(read.body, 0, &read.read, faults) != 0 || faults->total != before) {
        return -1;
    }
    check_stopping(read.read, faults);
    if (faults->total != before) {
        return -1;
    }
    read.study = read.read;
    (void)json_object_del(read.body, "strategy");
    *problem = read;
    read = (struct problem){0};
    return 0;
}

/* ---- the space ------------------------------------------------------------------------------- */

static void count_parameters(const struct space *space, struct problem_features *features)
{
    features->configurations = 1.0;
    for (size_t i = 0; i < space->n_params; i++) {
        const struct param *param = &space->params[i];
        features->configurations *= param->n_cells == 0 ? (double)INFINITY : (double)param->n_cells;
        if (param->type == PARAM_CONSTANT || param->n_cells == 1) {
            continue;
        }
        features->n_searched++;
        features->n_conditional += param->n_conditions > 0;
        if (param->type == PARAM_CATEGORICAL || param->type == PARAM_BOOL) {
            features->n_categories++;
        } else {
            features->n_numbers++;
        }
    }
}

/* Whether there is a level of resource below the highest. */
static bool has_levels(const struct study_def *study)
{
    struct bracket_plan plan;

    if (!study->has_resource) {
        return false;
    }
    struct table_input input = table_input_of(study, (struct ratio){3, 1});
    tables_half_levels(&input, &plan);
    return plan.n > 1;
}

static enum problem_kind kind_of(const struct problem *problem,
                                 const struct problem_features *features)
{
    if (features->is_curved) {
        return KIND_CURVES;
    }
    if (problem->noisy == ANSWER_YES) {
        return KIND_NOISY;
    }
    return features->n_categories > 0 || features->n_conditional > 0 ? KIND_MIXED : KIND_NUMBERS;
}

/* ---- time and budget ------------------------------------------------------------------------- */

static double workers_of(const struct problem *problem, json_t *assumed)
{
    int64_t parallel = problem->study->limits.parallel;
    int64_t workers = problem->workers;

    if (workers == 0 && parallel < 0) {
        sentence_add(assumed, "one worker");
        return 1.0;
    }
    if (workers == 0 || (parallel > 0 && parallel < workers)) {
        workers = parallel;
    }
    return (double)workers;
}

static void lower_budget(struct problem_features *features, double evaluations,
                         enum budget_source source)
{
    if (evaluations < features->evaluations) {
        features->evaluations = evaluations;
        features->source = source;
    }
}

static void set_span(const struct problem *problem, struct problem_features *features)
{
    features->span = (double)INFINITY;
    if (problem->available_seconds > 0) {
        features->span = problem->available_seconds;
    }
    if (problem->study->limits.seconds > 0) {
        features->span = fmin(features->span, problem->study->limits.seconds);
    }
}

/* Sets the number of full evaluations that the limits on cost allow; INFINITY: no limit. */
static void set_cost(const struct problem *problem, struct problem_features *features,
                     json_t *warnings)
{
    const struct study_def *study = problem->study;

    if (study->limits.resource > 0 && study->has_resource) {
        lower_budget(features, (double)study->limits.resource / (double)study->resource_max,
                     BUDGET_RESOURCE);
    }
    if (features->seconds > 0) {
        if (isfinite(features->span)) {
            lower_budget(features, features->span * features->workers / features->seconds,
                         BUDGET_TIME);
        }
        if (problem->worker_seconds > 0) {
            lower_budget(features, problem->worker_seconds / features->seconds, BUDGET_WORKER);
        }
    } else if (isfinite(features->span) || problem->worker_seconds > 0) {
        sentence_add(
            warnings,
            "how many trials fit into the time is unknown without the time that one takes: "
            "give evaluation_seconds");
    }
}

/* Where the limit will stay and trials can be stopped early, so many of them are compared at the
 * price that they have with a schedule: trained in full they would cost more. */
static void set_trials(const struct problem *problem, struct problem_features *features)
{
    bool is_scheduled = problem->keeps_limits && features->is_curved;

    features->source = BUDGET_TRIALS;
    features->evaluations = (double)problem->study->limits.trials;
    if (is_scheduled) {
        features->max_trials = features->evaluations;
        features->evaluations *= ADVICE_PREDICTIVE_SHARE;
    }
}

static void set_budget(const struct problem *problem, struct problem_features *features,
                       json_t *assumed, json_t *warnings)
{
    int64_t trials = problem->study->limits.trials;

    features->evaluations = (double)INFINITY;
    features->max_trials = (double)INFINITY;
    set_cost(problem, features, warnings);
    if (trials > 0 && isfinite(features->evaluations)) {
        features->max_trials = (double)trials;
    } else if (trials > 0) {
        set_trials(problem, features);
    } else if (isinf(features->evaluations)) {
        features->evaluations = ADVICE_BUDGET;
        features->source = BUDGET_ASSUMED;
        sentence_add(assumed, "a budget of %d full evaluations", ADVICE_BUDGET);
    }
}

static void add_warnings(const struct problem_features *features, json_t *warnings)
{
    char evaluation[NUMBER_TEXT_BYTES];
    char span[NUMBER_TEXT_BYTES];

    if (features->seconds > features->span) {
        sentence_add(
            warnings, "one evaluation takes %s, and there are only %s: none would end in time",
            duration_text(features->seconds, evaluation), duration_text(features->span, span));
    } else if (features->evaluations < 10) {
        sentence_add(warnings,
                     "with fewer than 10 full evaluations no technique learns much; ask for more, "
                     "or try less of each");
    }
    if (features->n_searched == 0) {
        sentence_add(warnings, "nothing varies: every parameter has one value");
    }
}

void problem_features_of(const struct problem *problem, struct problem_features *features,
                         json_t *assumed, json_t *warnings)
{
    *features = (struct problem_features){.seconds = problem->evaluation_seconds};
    count_parameters(problem->study->space, features);
    features->has_levels = has_levels(problem->study);
    features->is_curved = features->has_levels && problem->study->n_objectives == 1;
    features->kind = kind_of(problem, features);
    features->workers = workers_of(problem, assumed);
    set_span(problem, features);
    set_budget(problem, features, assumed, warnings);
    if (features->has_levels && problem->checkpoints == ANSWER_UNKNOWN) {
        sentence_add(assumed,
                     "the program keeps checkpoints, so that a paused trial goes on where it was");
    }
    add_warnings(features, warnings);
}

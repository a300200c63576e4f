#include "server/advice/problem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/advice/say.h"
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
        return ANSWER_UNSAID;
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
    return EXPERIENCE_UNSAID;
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
    /* No fields_end(): every other member is the study's, whose reading refuses what it does not
     * know. */
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

/* The study's part, with what a study must have and advice can do without. */
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
        say(assumed, "one objective, called loss, is to be made small");
    }
    json_object_foreach (json_unconst(body), key, value) {
        if (!is_factor(key)) {
            (void)json_object_set(part, key, value);
        }
    }
    return part;
}

/* What is wrong with the stopping rule is wrong whatever the strategy. */
static void check_stopping(const struct study_def *study, struct faults *faults)
{
    struct study_def plain = *study; /* shares everything; changes only what is its own */

    (void)snprintf(plain.strategy, sizeof plain.strategy, "random");
    plain.chosen = (struct chosen){0};
    schedule_check(&plain, faults);
}

int problem_from_json(const json_t *body, struct problem *problem, struct faults *faults)
{
    OWN(problem) struct problem read = {0};
    size_t before = faults->total;

    if (!json_is_object(body)) {
        faults_add(faults, "", "must be an object that describes what is to be tuned");
        return -1;
    }
    read_factors(body, &read, faults);
    read.assumed = json_array();
    read.body = study_part(body, read.assumed);
    if (read.body == NULL || read.assumed == NULL) {
        faults_add(faults, "", "out of memory");
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

static void count_parameters(const struct space *space, struct facts *facts)
{
    facts->configurations = 1.0;
    for (size_t i = 0; i < space->n_params; i++) {
        const struct param *param = &space->params[i];
        facts->configurations *= param->n_cells == 0 ? (double)INFINITY : (double)param->n_cells;
        if (param->type == PARAM_CONSTANT || param->n_cells == 1) {
            continue;
        }
        facts->n_searched++;
        facts->n_conditional += param->n_conditions > 0;
        facts->n_continuous += param->n_cells == 0;
        if (param->type == PARAM_CATEGORICAL || param->type == PARAM_BOOL) {
            facts->n_categories++;
        } else {
            facts->n_numbers++;
        }
    }
}

/* Is there a level below the highest at which to look? */
static bool has_levels(const struct study_def *study)
{
    struct bracket_plan plan;

    if (!study->has_resource) {
        return false;
    }
    tables_half_levels(study->resource_max, 3, study->resource_min, &plan);
    return plan.n > 1;
}

static enum problem_kind kind_of(const struct problem *problem, const struct facts *facts)
{
    if (facts->is_curved) {
        return KIND_CURVES;
    }
    if (problem->noisy == ANSWER_YES) {
        return KIND_NOISY;
    }
    return facts->n_categories > 0 || facts->n_conditional > 0 ? KIND_MIXED : KIND_NUMBERS;
}

/* ---- time and budget ------------------------------------------------------------------------- */

static double workers_of(const struct problem *problem, json_t *assumed)
{
    int64_t parallel = problem->study->limits.parallel;
    int64_t workers = problem->workers;

    if (workers == 0 && parallel < 0) {
        say(assumed, "one worker");
        return 1.0;
    }
    if (workers == 0 || (parallel > 0 && parallel < workers)) {
        workers = parallel;
    }
    return (double)workers;
}

static void lower(struct facts *facts, double evaluations, enum budget_source source)
{
    if (evaluations < facts->evaluations) {
        facts->evaluations = evaluations;
        facts->source = source;
    }
}

static void set_span(const struct problem *problem, struct facts *facts)
{
    facts->span = (double)INFINITY;
    if (problem->available_seconds > 0) {
        facts->span = problem->available_seconds;
    }
    if (problem->study->limits.seconds > 0) {
        facts->span = fmin(facts->span, problem->study->limits.seconds);
    }
}

/* What the limits on cost leave; INFINITY: nothing limits it. */
static void set_cost(const struct problem *problem, struct facts *facts, json_t *warnings)
{
    const struct study_def *study = problem->study;

    if (study->limits.resource > 0 && study->has_resource) {
        lower(facts, (double)study->limits.resource / (double)study->resource_max, BUDGET_RESOURCE);
    }
    if (facts->seconds > 0) {
        if (isfinite(facts->span)) {
            lower(facts, facts->span * facts->workers / facts->seconds, BUDGET_TIME);
        }
        if (problem->worker_seconds > 0) {
            lower(facts, problem->worker_seconds / facts->seconds, BUDGET_WORKER);
        }
    } else if (isfinite(facts->span) || problem->worker_seconds > 0) {
        say(warnings, "the time says nothing about the number of trials as long as nobody says how "
                      "long one takes: give evaluation_seconds");
    }
}

static void set_budget(const struct problem *problem, struct facts *facts, json_t *assumed,
                       json_t *warnings)
{
    int64_t trials = problem->study->limits.trials;

    facts->evaluations = (double)INFINITY;
    facts->max_trials = (double)INFINITY;
    set_cost(problem, facts, warnings);
    if (trials > 0 && isfinite(facts->evaluations)) {
        facts->max_trials = (double)trials;
    } else if (trials > 0) {
        facts->evaluations = (double)trials;
        facts->source = BUDGET_TRIALS;
    } else if (isinf(facts->evaluations)) {
        facts->evaluations = ADVICE_BUDGET;
        facts->source = BUDGET_ASSUMED;
        say(assumed, "a budget of %d full evaluations", ADVICE_BUDGET);
    }
}

static void warn(const struct facts *facts, json_t *warnings)
{
    char evaluation[SAY_BYTES];
    char span[SAY_BYTES];

    if (facts->seconds > facts->span) {
        say(warnings, "one evaluation takes %s, and there are only %s: none would end in time",
            say_span(facts->seconds, evaluation), say_span(facts->span, span));
    } else if (facts->evaluations < 10) {
        say(warnings, "with fewer than 10 full evaluations no technique learns much; ask for more, "
                      "or try less of each");
    }
    if (facts->n_searched == 0) {
        say(warnings, "nothing varies: every parameter has one value");
    }
}

void facts_of(const struct problem *problem, struct facts *facts, json_t *assumed, json_t *warnings)
{
    *facts = (struct facts){.seconds = problem->evaluation_seconds};
    count_parameters(problem->study->space, facts);
    facts->is_curved = has_levels(problem->study) && problem->study->n_objectives == 1;
    facts->kind = kind_of(problem, facts);
    facts->workers = workers_of(problem, assumed);
    set_span(problem, facts);
    set_budget(problem, facts, assumed, warnings);
    if (facts->is_curved && problem->checkpoints == ANSWER_UNSAID) {
        say(assumed, "the program keeps checkpoints, so that a paused trial goes on where it was");
    }
    warn(facts, warnings);
}

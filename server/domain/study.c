/* A study's body: read with every fault told, written in its normalised form. */
#include "server/domain/study.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define DESCRIPTION_BYTES 16384
#define LABELS_MAX 64
#define LABEL_BYTES 256
#define SECONDS_MAX 3e9 /* some 95 years */
#define AFTER_MAX 16
#define COUNT_MAX INT64_C(1000000000000)
#define SEED_MAX ((INT64_C(1) << 53) - 1)

/* ---- objectives ---- */

/* Reads the metric and where it shall go; the pointer of `f` is the objective's. */
static void read_objective(struct fields *f, struct objective *objective)
{
    const char *metric = fields_string(f, "metric", NULL);
    const char *direction = fields_string(f, "direction", NULL);
    const char *fold = fields_string(f, "fold", "last");

    if (metric == NULL && !fields_has(f, "metric")) {
        fields_fault(f, "metric", "is missing; name the metric that jobs report");
    } else if (metric != NULL && !name_is_metric(metric)) {
        fields_fault(f, "metric",
                     "\"%.80s\" is no metric name: begin with a letter or _, go on with letters, "
                     "digits, _ . - or /, at most 64 in all",
                     metric);
    } else if (metric != NULL) {
        (void)snprintf(objective->metric, sizeof objective->metric, "%s", metric);
    }
    if (direction != NULL && strcmp(direction, "maximize") == 0) {
        objective->direction = DIRECTION_MAXIMIZE;
    } else if ((direction == NULL && !fields_has(f, "direction"))
               || (direction != NULL && strcmp(direction, "minimize") != 0)) {
        fields_fault(f, "direction", "must be \"minimize\" or \"maximize\"");
    }
    if (strcmp(fold, "best") == 0) {
        objective->fold = FOLD_BEST;
    } else if (strcmp(fold, "last") != 0) {
        fields_fault(f, "fold", "must be \"last\" or \"best\"");
    }
}

static void read_objective_list(struct fields *f, const json_t *list, struct study_def *def)
{
    size_t n = json_array_size(list);

    if (n == 0 || n > OBJECTIVES_MAX) {
        fields_fault(f, "objectives", "must list 1 to %d objectives", OBJECTIVES_MAX);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct fields one;
        char pointer[32];
        (void)snprintf(pointer, sizeof pointer, "/objectives/%zu", i);
        if (!json_is_object(json_array_get(list, i))) {
            faults_add(f->faults, pointer, "must be an object with metric and direction");
            continue;
        }
        fields_begin(&one, json_array_get(list, i), pointer, f->faults);
        read_objective(&one, &def->objectives[i]);
        fields_end(&one);
        for (size_t j = 0; j < i && def->objectives[i].metric[0] != '\0'; j++) {
            if (strcmp(def->objectives[i].metric, def->objectives[j].metric) == 0) {
                fields_fault(&one, "metric", "\"%s\" is an objective already",
                             def->objectives[i].metric);
                break;
            }
        }
    }
    def->n_objectives = n;
}

static void read_objectives(struct fields *f, struct study_def *def)
{
    const json_t *list = fields_array(f, "objectives");
    bool is_short = fields_has(f, "metric") || fields_has(f, "direction");

    if (is_short && fields_has(f, "objectives")) {
        fields_fault(f, "metric", "is the short form of one objective; leave out one of the two");
    }
    if (list != NULL) {
        read_objective_list(f, list, def);
        (void)fields_any(f, "metric");
        (void)fields_any(f, "direction");
        (void)(is_short ? fields_any(f, "fold") : NULL);
    } else if (is_short) {
        read_objective(f, &def->objectives[0]);
        def->n_objectives = 1;
    } else if (!fields_has(f, "objectives")) {
        fields_fault(f, "objectives",
                     "is missing; say [{\"metric\": \"loss\", \"direction\": \"minimize\"}]");
    }
}

/* ---- strategy, stopping, resource ---- */

/* A copy without `without` and without nulls; an option that is null is one not given. */
static json_t *copy_options(const json_t *object, const char *without, const char *also)
{
    json_t *copy = json_object();
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(object), key, value) {
        if (strcmp(key, without) != 0 && strcmp(key, also) != 0 && !json_is_null(value)) {
            (void)json_object_set(copy, key, value);
        }
    }
    return copy;
}

static void read_strategy_object(struct fields *f, const json_t *given, struct study_def *def)
{
    struct fields one;

    fields_begin(&one, given, "/strategy", f->faults);
    const char *name = fields_string(&one, "name", NULL);
    const char *serving = fields_string(&one, "serving", "prepared");
    if (name == NULL && !fields_has(&one, "name")) {
        fields_fault(&one, "name", "is missing; say which strategy, such as \"random\"");
    } else if (name != NULL) {
        (void)snprintf(def->strategy, sizeof def->strategy, "%s", name);
    }
    if (strcmp(serving, "exact") == 0) {
        def->serving = SERVING_EXACT;
    } else if (strcmp(serving, "prepared") != 0) {
        fields_fault(&one, "serving", "must be \"prepared\" or \"exact\"");
    }
    def->strategy_options = copy_options(given, "name", "serving");
}

static void read_strategy(struct fields *f, struct study_def *def)
{
    const json_t *given = fields_any(f, "strategy");

    def->serving = SERVING_PREPARED;
    (void)snprintf(def->strategy, sizeof def->strategy, "auto");
    if (json_is_object(given)) {
        read_strategy_object(f, given, def);
    } else if (given != NULL && !json_is_string(given)) {
        fields_fault(f, "strategy", "must be a name, or an object with name and options");
    } else if (given != NULL) {
        (void)snprintf(def->strategy, sizeof def->strategy, "%s", json_string_value(given));
    }
    if (def->strategy_options == NULL) {
        def->strategy_options = json_object();
    }
    if (json_is_string(given) && strlen(json_string_value(given)) >= sizeof def->strategy) {
        fields_fault(f, "strategy", "no strategy has a name this long");
    }
}

static void read_stopping(struct fields *f, struct study_def *def)
{
    const json_t *given = fields_object(f, "stopping");
    struct fields one;

    if (given == NULL) {
        return;
    }
    fields_begin(&one, given, "/stopping", f->faults);
    const char *rule = fields_string(&one, "rule", NULL);
    if (rule != NULL && strcmp(rule, "median") == 0) {
        def->stopping = STOPPING_MEDIAN;
        (void)fields_int(&one, "after", 5, 1, COUNT_MAX);
        (void)fields_int(&one, "warmup", 1, 0, COUNT_MAX);
    } else if (rule != NULL && strcmp(rule, "threshold") == 0) {
        def->stopping = STOPPING_THRESHOLD;
        (void)fields_int(&one, "step", 0, 0, COUNT_MAX);
        (void)fields_real(&one, "value", 0);
        if (!fields_has(&one, "step")) {
            fields_fault(&one, "step", "is missing; say from which step on the value must hold");
        }
        if (!fields_has(&one, "value")) {
            fields_fault(&one, "value", "is missing; a trial worse than it is stopped");
        }
    } else {
        if (rule != NULL || !fields_has(&one, "rule")) {
            fields_fault(&one, "rule", "must be \"median\" or \"threshold\"");
        }
        return;
    }
    fields_end(&one);
    def->stopping_options = copy_options(given, "rule", "rule");
}

static void read_resource(struct fields *f, struct study_def *def)
{
    const json_t *given = fields_object(f, "resource");
    struct fields one;

    if (given == NULL) {
        return;
    }
    fields_begin(&one, given, "/resource", f->faults);
    const char *name = fields_string(&one, "name", "steps");
    def->has_resource = true;
    def->resource_min = fields_int(&one, "min", 1, 1, COUNT_MAX);
    def->resource_max = fields_int(&one, "max", 0, 1, COUNT_MAX);
    if (!name_is_parameter(name)) {
        fields_fault(&one, "name", "must be a name of letters, digits, _ . and -, such as epochs");
    } else {
        (void)snprintf(def->resource_name, sizeof def->resource_name, "%s", name);
    }
    if (!fields_has(&one, "max")) {
        fields_fault(&one, "max", "is missing; say how long a full training is");
    } else if (def->resource_max > 0 && def->resource_min > def->resource_max) {
        fields_fault(&one, "min", "must not be greater than max (%" PRId64 ")", def->resource_max);
    }
    fields_end(&one);
}

/* ---- limits ---- */

static double read_seconds(struct fields *f, const char *name)
{
    double seconds = fields_real(f, name, (double)NAN);

    if (seconds <= 0 || seconds > SECONDS_MAX) {
        fields_fault(f, name, "must be greater than 0 and at most 3e9 seconds");
    }
    return isnan(seconds) ? -1 : seconds;
}

void limits_from_json(const json_t *given, struct limits *limits, struct faults *faults)
{
    struct fields f;

    fields_begin(&f, given, "/limits", faults);
    limits->trials = fields_int(&f, "trials", -1, 1, COUNT_MAX);
    limits->parallel = fields_int(&f, "parallel", -1, 1, COUNT_MAX);
    limits->seconds = read_seconds(&f, "seconds");
    limits->resource = fields_int(&f, "resource", -1, 1, COUNT_MAX);
    limits->target = fields_real(&f, "target", 0);
    limits->has_target = fields_has(&f, "target");
    limits->failures = fields_int(&f, "failures", -1, 1, COUNT_MAX);
    limits->attempts = fields_int(&f, "attempts", 3, 1, 1000000);
    limits->retries = fields_int(&f, "retries", 0, 0, 1000000);
    limits->trial_seconds = read_seconds(&f, "trial_seconds");
    limits->stall_seconds = read_seconds(&f, "stall_seconds");
    fields_end(&f);
}

static void read_limits(struct fields *f, struct study_def *def)
{
    limits_from_json(fields_object(f, "limits"), &def->limits, f->faults);
    if (def->limits.has_target && def->n_objectives > 1) {
        faults_add(f->faults, "/limits/target",
                   "needs a single objective; a study with several ends by another limit");
    }
}

/* ---- the rest ---- */

/* A copy of an object of strings, or NULL. */
static json_t *read_labels(struct fields *f, const char *name)
{
    const json_t *given = fields_object(f, name);
    const char *key;
    json_t *value;

    if (given == NULL) {
        return NULL;
    }
    if (json_object_size(given) > LABELS_MAX) {
        fields_fault(f, name, "has more than %d labels", LABELS_MAX);
        return NULL;
    }
    json_object_foreach (json_unconst(given), key, value) {
        char at[128];
        (void)snprintf(at, sizeof at, "%s/%.64s", name, key);
        if (!name_is_metric(key)) {
            fields_fault(f, at,
                         "a label's name is made of letters, digits, _ . - and /, at most "
                         "64 in all");
        } else if (!json_is_string(value) || json_string_length(value) > LABEL_BYTES
                   || strlen(json_string_value(value)) != json_string_length(value)) {
            fields_fault(f, at, "must be a string of at most %d bytes", LABEL_BYTES);
        }
    }
    return json_object_size(given) > 0 ? json_deep_copy(given) : NULL;
}

static void read_requires(struct fields *f, struct study_def *def)
{
    struct fields one;

    fields_begin(&one, fields_object(f, "requires"), "/requires", f->faults);
    def->requires_gpus = fields_int(&one, "gpus", 0, 0, 1024);
    def->requires_gpu_memory_mib = fields_int(&one, "gpu_memory_mib", 0, 0, INT64_C(1) << 40);
    def->requires_labels = read_labels(&one, "labels");
    fields_end(&one);
}

static void read_job(struct fields *f, struct study_def *def)
{
    const json_t *given = fields_object(f, "job");
    struct fields one;

    if (given == NULL) {
        return;
    }
    fields_begin(&one, given, "/job", f->faults);
    const char *runner = fields_string(&one, "runner", NULL);
    if (runner == NULL && !fields_has(&one, "runner")) {
        fields_fault(&one, "runner", "is missing; name the runner that workers offer");
    } else if (runner != NULL
               && (!name_is_worker(runner) || strlen(runner) >= sizeof def->runner)) {
        fields_fault(&one, "runner",
                     "must be a name of letters, digits and . _ : @ -, at most 64 in all");
    } else if (runner != NULL) {
        (void)snprintf(def->runner, sizeof def->runner, "%s", runner);
        def->job = json_deep_copy(given);
    }
    fields_end(&one);
}

static void read_ttl(struct fields *f, struct study_def *def)
{
    struct fields one;

    fields_begin(&one, fields_object(f, "lease"), "/lease", f->faults);
    double seconds = fields_real(&one, "ttl_seconds", 60);
    if (!(seconds >= 15 && seconds <= 86400)) {
        fields_fault(&one, "ttl_seconds", "must lie between 15 and 86400");
    } else {
        def->ttl_ms = (int64_t)(seconds * 1000);
    }
    fields_end(&one);
}

static void read_after(struct fields *f, struct study_def *def)
{
    const json_t *given = fields_array(f, "after");
    size_t n = json_array_size(given);

    if (n > AFTER_MAX) {
        fields_fault(f, "after", "names more than %d studies", AFTER_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(given, i));
        char at[32];
        (void)snprintf(at, sizeof at, "after/%zu", i);
        if (!name_is_study(name)) {
            fields_fault(f, at, "must be the name of a study");
        } else if (strcmp(name, def->name) == 0) {
            fields_fault(f, at, "a study cannot come after itself");
        }
    }
    def->after = n > 0 ? json_deep_copy(given) : NULL;
}

static void read_name(struct fields *f, struct study_def *def)
{
    const char *name = fields_string(f, "name", NULL);
    const char *description = fields_string(f, "description", "");

    if (name == NULL && !fields_has(f, "name")) {
        fields_fault(f, "name", "is missing; every study needs a name");
    } else if (name != NULL && !name_is_study(name)) {
        fields_fault(f, "name",
                     "\"%.80s\" is no study name: begin with a small letter or digit, go on with "
                     "small letters, digits, . _ or -, at most 63 in all",
                     name);
    } else if (name != NULL) {
        (void)snprintf(def->name, sizeof def->name, "%s", name);
    }
    if (strlen(description) > DESCRIPTION_BYTES) {
        fields_fault(f, "description", "is longer than %d bytes", DESCRIPTION_BYTES);
    } else {
        def->description = strdup(description);
    }
}

static void read_share(struct fields *f, struct study_def *def)
{
    def->priority = fields_int(f, "priority", 0, -1000000, 1000000);
    def->share = fields_real(f, "share", 1);
    if (!(def->share > 0 && def->share <= 1e6)) {
        fields_fault(f, "share", "must be greater than 0 and at most 1e6");
    }
}

static void read_space(struct fields *f, struct study_def *def)
{
    const json_t *parameters = fields_any(f, "parameters");
    const json_t *constraints = fields_any(f, "constraints");

    if (parameters == NULL) {
        fields_fault(f, "parameters", "is missing; list what is to be tuned");
    } else if (space_from_json(parameters, constraints, &def->space, f->faults) != 0) {
        def->space = NULL;
    }
}

int study_def_from_json(const json_t *body, uint64_t seed, struct study_def **def,
                        struct faults *faults)
{
    OWN(study_def) struct study_def *read = calloc(1, sizeof *read);
    size_t before = faults->total;
    struct fields f;

    if (read == NULL || !json_is_object(body)) {
        faults_add(faults, "", read == NULL ? "out of memory" : "a study must be an object");
        return -1;
    }
    fields_begin(&f, body, "", faults);
    read_name(&f, read);
    read->labels = read_labels(&f, "labels");
    read_objectives(&f, read);
    read_space(&f, read);
    read_strategy(&f, read);
    read_stopping(&f, read);
    read_resource(&f, read);
    read_limits(&f, read);
    read_requires(&f, read);
    read_job(&f, read);
    read_ttl(&f, read);
    read_share(&f, read);
    read_after(&f, read);
    read->seed =
        (uint64_t)fields_int(&f, "seed", (int64_t)(seed & (uint64_t)SEED_MAX), 0, SEED_MAX);
    fields_end(&f);
    if (faults->total == before && (read->description == NULL || read->strategy_options == NULL)) {
        faults_add(faults, "", "out of memory");
    }
    if (faults->total != before) {
        return -1;
    }
    *def = read;
    read = NULL;
    return 0;
}

void study_def_destroy(struct study_def *def)
{
    if (def == NULL) {
        return;
    }
    free(def->description);
    json_decref(def->labels);
    space_destroy(def->space);
    json_decref(def->strategy_options);
    json_decref(def->stopping_options);
    json_decref(def->job);
    json_decref(def->requires_labels);
    json_decref(def->after);
    free(def);
}

double study_cost(const struct study_def *def, double value)
{
    return def->objectives[0].direction == DIRECTION_MAXIMIZE ? -value : value;
}

bool study_is_better(const struct study_def *def, double a, double b)
{
    if (!isfinite(a) || !isfinite(b)) {
        return isfinite(a) && !isfinite(b);
    }
    return study_cost(def, a) < study_cost(def, b);
}

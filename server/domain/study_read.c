/* Reads a study's body; every fault is reported. */
#include "server/domain/study.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/integer.h"
#include "common/step.h"
#include "server/domain/study_axes.h"
#include "server/domain/study_resource.h"
#include "server/domain/transfer.h"

#define DESCRIPTION_BYTES 16384
#define LABELS_MAX 64
#define LABEL_BYTES 256
#define SECONDS_MAX 3e9 /* some 95 years */
#define COUNT_MAX INT64_C(1000000000000)
#define SEED_MAX ((INT64_C(1) << 53) - 1)

/* ---- limits ---- */

static double read_seconds(struct fields *f, const char *name)
{
    double seconds = fields_real(f, name, (double)NAN);

    if (seconds <= 0 || seconds > SECONDS_MAX) {
        fields_fault(f, name, "must be greater than 0 and at most 3e9 seconds");
    }
    return isnan(seconds) ? -1 : seconds;
}

/* The "limits" object alone; what it leaves out is back at its default. NULL reads as {}. The
 * resource has so many digits. */
static void read_limit_values(const json_t *given, int digits, struct limits *limits,
                              struct faults *faults)
{
    int64_t most = study_step_most(digits);
    struct fields f;

    fields_begin(&f, given, "/limits", faults);
    limits->trials = fields_int(&f, "trials", -1, 1, COUNT_MAX);
    limits->parallel = fields_int(&f, "parallel", -1, 1, COUNT_MAX);
    limits->seconds = read_seconds(&f, "seconds");
    limits->resource = fields_step(&f, "resource", digits, -1, 1, most);
    limits->target = fields_real(&f, "target", 0);
    limits->has_target = fields_has(&f, "target");
    limits->failures = fields_int(&f, "failures", -1, 1, COUNT_MAX);
    limits->attempts = fields_int(&f, "attempts", 3, 1, 1000000);
    limits->retries = fields_int(&f, "retries", 0, 0, 1000000);
    limits->trial_seconds = read_seconds(&f, "trial_seconds");
    limits->stall_seconds = read_seconds(&f, "stall_seconds");
    limits->guest_share = fields_real(&f, "guest_share", -1);
    if (fields_has(&f, "guest_share") && !(limits->guest_share >= 0 && limits->guest_share <= 1)) {
        fields_fault(&f, "guest_share",
                     "must be a share from 0 to 1: of all trials, those that may be enqueued");
    }
    fields_end(&f);
}

static void read_limits(struct fields *f, struct study_def *def)
{
    read_limit_values(fields_object(f, "limits"), def->resource_digits, &def->limits, f->faults);
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
        if (!name_is_label(key)) {
            fields_fault(f, at,
                         "a label's name is made of letters, digits, _ . - and /, at most "
                         "64 in all");
        } else if (!json_is_string(value) || json_string_length(value) > LABEL_BYTES
                   || strlen(json_string_value(value)) != json_string_length(value)) {
            fields_fault(f, at, "must be a string of at most %d bytes", LABEL_BYTES);
        }
    }
    return json_object_size(given) > 0 ? fields_copy(f, given) : NULL;
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
        def->job = fields_copy(f, given);
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
        def->ttl_ms = integer_from_real(seconds * 1000);
    }
    fields_end(&one);
}

static void read_after(struct fields *f, struct study_def *def)
{
    const json_t *given = fields_array(f, "after");
    size_t n = json_array_size(given);

    if (n > SOURCES_MAX) {
        fields_fault(f, "after", "names more than %d studies; the most similar ones are enough",
                     SOURCES_MAX);
    }
    if (n > 0 && def->n_objectives > 1) {
        fields_fault(f, "after", "needs a single objective; leave one of the two out");
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
        for (size_t k = 0; k < i && name != NULL; k++) {
            if (json_equal(json_array_get(given, i), json_array_get(given, k))) {
                fields_fault(f, at, "is named twice");
            }
        }
    }
    def->after = n > 0 ? fields_copy(f, given) : NULL;
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

static void read_space(struct fields *f, bool is_new, struct study_def *def)
{
    const json_t *parameters = fields_any(f, "parameters");
    const json_t *constraints = fields_any(f, "constraints");

    if (parameters == NULL) {
        fields_fault(f, "parameters", "is missing; list what is to be tuned");
    } else if (space_from_json(parameters, constraints, &def->space, f->faults) != 0) {
        def->space = NULL;
    } else if (is_new) {
        space_check_constraints(def->space, f->faults);
    }
}

static int read_body(const json_t *body, uint64_t seed, bool is_new, struct study_def **def,
                     struct faults *faults)
{
    OWN(study_def) struct study_def *read = calloc(1, sizeof *read);
    size_t before = faults->total;
    struct fields f;

    if (read == NULL) {
        faults_no_memory(faults);
        return -1;
    }
    if (!json_is_object(body)) {
        faults_add(faults, "", "a study must be an object");
        return -1;
    }
    fields_begin(&f, body, "", faults);
    read_name(&f, read);
    read->labels = read_labels(&f, "labels");
    study_read_objectives(&f, read);
    study_read_bounds(&f, read);
    read_space(&f, is_new, read);
    study_read_strategy(&f, read);
    study_read_resource(&f, read);
    study_read_stopping(&f, read);
    read_limits(&f, read);
    read_requires(&f, read);
    read_job(&f, read);
    read_ttl(&f, read);
    read_share(&f, read);
    read_after(&f, read);
    read->recounted = fields_bool(&f, "recounted", false);
    read->seed =
        (uint64_t)fields_int(&f, "seed", (int64_t)(seed & (uint64_t)SEED_MAX), 0, SEED_MAX);
    fields_end(&f);
    if (faults->total == before && (read->description == NULL || read->strategy_options == NULL)) {
        faults_no_memory(faults);
    }
    if (faults->total != before) {
        return -1;
    }
    *def = read;
    read = NULL;
    return 0;
}

int study_def_read_back(const json_t *body, struct study_def **def, struct faults *faults)
{
    return read_body(body, 0, false, def, faults);
}

int study_def_from_json(const json_t *body, uint64_t seed, struct study_def **def,
                        struct faults *faults)
{
    return read_body(body, seed, true, def, faults);
}

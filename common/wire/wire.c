#include "common/wire/wire.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/step.h"
#include "common/wire/parts.h"

#define GPUS_MAX 1024
#define LABELS_MAX 64

/* ---- asking ---- */

void lease_ask_finish(struct lease_ask *ask)
{
    for (size_t i = 0; i < ask->n_studies; i++) {
        free(ask->studies[i]);
    }
    for (size_t i = 0; i < ask->n_runners; i++) {
        free(ask->runners[i]);
    }
    free(ask->studies);
    free(ask->runners);
    json_decref(ask->gpus);
    json_decref(ask->labels);
    *ask = (struct lease_ask){0};
}

static bool runner_is_name(const char *text)
{
    return text[0] != '\0' && strlen(text) <= NAME_BYTES;
}

static size_t read_names(struct fields *fields, const char *name, bool (*fits)(const char *),
                         char ***names)
{
    const json_t *list = fields_array(fields, name);
    size_t n = 0;
    size_t i;
    json_t *item;

    if (json_array_size(list) == 0) {
        return 0;
    }
    char **out = calloc(ASK_LIST_MAX, sizeof *out);
    *names = out;
    if (out == NULL) {
        faults_no_memory(fields->faults);
        return 0;
    }
    if (json_array_size(list) > ASK_LIST_MAX) {
        fields_fault(fields, name, "must have at most %d names", ASK_LIST_MAX);
        return 0;
    }
    json_array_foreach (list, i, item) {
        const char *text = json_string_value(item);
        char at[48];
        (void)snprintf(at, sizeof at, "%.20s/%zu", name, i);
        if (text == NULL || strlen(text) != json_string_length(item) || !fits(text)) {
            fields_fault(fields, at, "must be a name");
        } else if ((out[n] = strdup(text)) == NULL) {
            faults_no_memory(fields->faults);
        } else {
            n++;
        }
    }
    return n;
}

static void read_gpus(struct fields *parent, struct lease_ask *ask)
{
    const json_t *list = fields_array(parent, "gpus");
    size_t i;
    json_t *item;

    if (json_array_size(list) > GPUS_MAX) {
        fields_fault(parent, "gpus", "must have at most %d entries", GPUS_MAX);
        return;
    }
    json_array_foreach (list, i, item) {
        struct fields fields;
        char pointer[64];
        (void)snprintf(pointer, sizeof pointer, "/gpus/%zu", i);
        fields_begin(&fields, item, pointer, parent->faults);
        (void)fields_string(&fields, "model", NULL);
        (void)fields_int(&fields, "memory_mib", 0, 0, INT53_MAX);
        fields_end(&fields);
        ask->n_gpus++;
    }
    ask->gpus = json_incref(json_unconst(list));
}

size_t lease_ask_gpus_with(const struct lease_ask *ask, int64_t memory_mib)
{
    size_t n = 0;
    size_t i;
    json_t *gpu;

    if (memory_mib <= 0) {
        return ask->n_gpus;
    }
    json_array_foreach (ask->gpus, i, gpu) {
        const json_t *memory = json_object_get(gpu, "memory_mib");
        n += json_is_number(memory) && json_number_value(memory) >= (double)memory_mib;
    }
    return n;
}

static void read_labels(struct fields *fields, struct lease_ask *ask)
{
    const json_t *labels = fields_object(fields, "labels");
    const char *key;
    json_t *value;

    if (json_object_size(labels) > LABELS_MAX) {
        fields_fault(fields, "labels", "must have at most %d entries", LABELS_MAX);
        return;
    }
    json_object_foreach (json_unconst(labels), key, value) {
        if (!json_is_string(value)) {
            char at[96];
            (void)snprintf(at, sizeof at, "labels/%.80s", key);
            fields_fault(fields, at, "a label's value must be a string");
        }
    }
    ask->labels = json_incref(json_unconst(labels));
}

/* {"ok": false, "reason": "…"} */
static void read_health(struct fields *parent, struct lease_ask *ask)
{
    const json_t *health = fields_object(parent, "health");
    struct fields fields;

    if (health == NULL) {
        return;
    }
    fields_begin(&fields, health, "/health", parent->faults);
    bool ok = fields_bool(&fields, "ok", true);
    wire_copy(&fields, "reason", ask->health, sizeof ask->health);
    fields_end(&fields);
    if (ok) {
        ask->health[0] = '\0';
    } else if (ask->health[0] == '\0') {
        (void)snprintf(ask->health, sizeof ask->health, "no reason given");
    }
}

static bool text_is_printable(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at < 0x21 || *at > 0x7e) {
            return false;
        }
    }
    return true;
}

int lease_ask_from_json(const json_t *body, struct lease_ask *ask, struct faults *faults)
{
    size_t before = faults->total;
    struct fields fields;

    *ask = (struct lease_ask){0};
    fields_begin(&fields, body, "", faults);
    wire_copy(&fields, "worker", ask->worker, sizeof ask->worker);
    if (ask->worker[0] != '\0' && !name_is_worker(ask->worker)) {
        fields_fault(&fields, "worker",
                     "must be a name of letters, digits and . _ : @ - that starts with a letter "
                     "or digit");
    }
    wire_copy(&fields, "request_id", ask->request_id, sizeof ask->request_id);
    if (!text_is_printable(ask->request_id)) {
        fields_fault(&fields, "request_id", "must be printable ASCII without spaces");
    }
    ask->wait_seconds = fields_real(&fields, "wait_seconds", 0);
    if (!(ask->wait_seconds >= 0 && ask->wait_seconds <= 60)) {
        fields_fault(&fields, "wait_seconds", "must lie between 0 and 60");
    }
    double ttl_seconds = fields_real(&fields, "ttl_seconds", (double)NAN);
    ask->ttl_seconds = isnan(ttl_seconds) ? 0 : ttl_seconds;
    if (!isnan(ttl_seconds) && !(ttl_seconds >= 15 && ttl_seconds <= ASK_TTL_MOST_SECONDS)) {
        fields_fault(&fields, "ttl_seconds", "must lie between 15 and %.0f, which is 30 days",
                     ASK_TTL_MOST_SECONDS);
    }
    ask->seconds_left = fields_real(&fields, "seconds_left", (double)NAN);
    ask->has_seconds_left = !isnan(ask->seconds_left);
    if (ask->seconds_left < 0) {
        fields_fault(&fields, "seconds_left", "must not be negative");
    }
    ask->n_studies = read_names(&fields, "studies", name_is_study, &ask->studies);
    ask->has_runners = fields_has(&fields, "runners");
    ask->n_runners = read_names(&fields, "runners", runner_is_name, &ask->runners);
    wire_copy(&fields, "host", ask->host, sizeof ask->host);
    if (ask->host[0] != '\0' && !name_is_worker(ask->host)) {
        fields_fault(&fields, "host", "must be a host name");
    }
    read_gpus(&fields, ask);
    read_labels(&fields, ask);
    read_health(&fields, ask);
    fields_end(&fields);
    if (faults->total > before) {
        lease_ask_finish(ask);
        return -1;
    }
    return 0;
}

static void write_names(struct json_writer *w, const char *key, char *const names[], size_t n)
{
    json_write_key(w, key);
    json_array_begin(w);
    for (size_t i = 0; i < n; i++) {
        json_write_string(w, names[i]);
    }
    json_array_end(w);
}

void lease_ask_write(const struct lease_ask *ask, struct json_writer *w)
{
    json_object_begin(w);
    if (ask->worker[0] != '\0') {
        json_put_string(w, "worker", ask->worker);
    }
    if (ask->request_id[0] != '\0') {
        json_put_string(w, "request_id", ask->request_id);
    }
    json_put_number(w, "wait_seconds", ask->wait_seconds);
    if (ask->ttl_seconds > 0) {
        json_put_number(w, "ttl_seconds", ask->ttl_seconds);
    }
    if (ask->has_seconds_left) {
        json_put_number(w, "seconds_left", ask->seconds_left);
    }
    if (ask->n_studies > 0) {
        write_names(w, "studies", ask->studies, ask->n_studies);
    }
    if (ask->has_runners) {
        write_names(w, "runners", ask->runners, ask->n_runners);
    }
    if (ask->host[0] != '\0') {
        json_put_string(w, "host", ask->host);
    }
    if (ask->gpus != NULL) {
        json_put_value(w, "gpus", ask->gpus);
    }
    if (ask->labels != NULL) {
        json_put_value(w, "labels", ask->labels);
    }
    if (ask->health[0] != '\0') {
        json_write_key(w, "health");
        json_object_begin(w);
        json_put_bool(w, "ok", false);
        json_put_string(w, "reason", ask->health);
        json_object_end(w);
    }
    json_object_end(w);
}

/* ---- granting ---- */

void lease_grant_finish(struct lease_grant *grant)
{
    free(grant->objectives);
    free(grant->parameters);
    free(grant->inactive);
    free(grant->job);
    free(grant->discard);
    json_decref(grant->values.objectives);
    json_decref(grant->values.parameters);
    json_decref(grant->values.inactive);
    json_decref(grant->values.job);
    json_decref(grant->values.discard);
    *grant = (struct lease_grant){0};
}

/* One part: its value, else its text, else `missing`, or nothing where that is NULL. */
static void put_part(struct json_writer *w, const char *key, const json_t *value, const char *text,
                     const char *missing)
{
    const char *raw = text == NULL ? missing : text;

    if (value != NULL) {
        json_put_value(w, key, value);
    } else if (raw != NULL) {
        json_put_raw(w, key, raw, strlen(raw));
    }
}

static void write_lease(const struct lease_grant *grant, struct json_writer *w)
{
    json_write_key(w, "lease");
    json_object_begin(w);
    json_put_string(w, "id", grant->id);
    json_put_moment(w, "expires_at", grant->expires_at_ms);
    json_put_number(w, "ttl_seconds", grant->ttl_seconds);
    json_put_number(w, "heartbeat_seconds", grant->heartbeat_seconds);
    json_object_end(w);
}

void lease_grant_write_trial(const struct lease_grant *grant, struct json_writer *w)
{
    json_object_begin(w);
    json_put_int(w, "number", grant->trial);
    json_put_int(w, "attempt", grant->attempt);
    put_part(w, "parameters", grant->values.parameters, grant->parameters, "{}");
    put_part(w, "inactive", grant->values.inactive, grant->inactive, NULL);
    json_put_int(w, "seed", (int64_t)grant->seed);
    if (grant->has_resource) {
        json_write_key(w, "resource");
        json_object_begin(w);
        json_put_string(w, "name", grant->resource_name);
        json_put_step(w, "from", grant->from, grant->digits);
        json_put_step(w, "to", grant->to, grant->digits);
        if (grant->digits > 0) {
            json_put_step(w, "unit", 1, grant->digits);
        }
        json_object_end(w);
    }
    if (grant->checkpoint.present) {
        json_write_key(w, "checkpoint");
        checkpoint_write(&grant->checkpoint, grant->digits, w);
    }
    json_object_end(w);
}

void lease_grant_write(const struct lease_grant *grant, struct json_writer *w)
{
    json_object_begin(w);
    write_lease(grant, w);
    json_put_string(w, "study", grant->study);
    put_part(w, "objectives", grant->values.objectives, grant->objectives, "[]");
    json_write_key(w, "trial");
    lease_grant_write_trial(grant, w);
    json_write_key(w, "limits");
    json_object_begin(w);
    if (grant->trial_seconds > 0) {
        json_put_number(w, "trial_seconds", grant->trial_seconds);
    }
    if (grant->stall_seconds > 0) {
        json_put_number(w, "stall_seconds", grant->stall_seconds);
    }
    json_object_end(w);
    json_write_key(w, "requires");
    json_object_begin(w);
    json_put_int(w, "gpus", grant->requires_gpus);
    json_put_int(w, "gpu_memory_mib", grant->requires_gpu_memory_mib);
    json_object_end(w);
    put_part(w, "job", grant->values.job, grant->job, "null");
    put_part(w, "discard", grant->values.discard, grant->discard, "[]");
    json_object_end(w);
}

static void read_lease(struct fields *body, struct lease_grant *grant)
{
    struct fields fields;

    fields_begin(&fields, fields_object(body, "lease"), "/lease", body->faults);
    wire_copy(&fields, "id", grant->id, sizeof grant->id);
    if (grant->id[0] == '\0') {
        fields_fault(&fields, "id", "a lease needs an id");
    }
    grant->expires_at_ms = wire_moment(fields_string(&fields, "expires_at", NULL));
    grant->ttl_seconds = fields_real(&fields, "ttl_seconds", 60);
    grant->heartbeat_seconds = fields_real(&fields, "heartbeat_seconds", grant->ttl_seconds / 3);
}

static void read_trial(struct fields *body, struct lease_grant *grant)
{
    struct fields fields;
    struct fields resource;
    const json_t *object;

    fields_begin(&fields, fields_object(body, "trial"), "/trial", body->faults);
    grant->trial = fields_int(&fields, "number", 0, 1, INT53_MAX);
    grant->attempt = fields_int(&fields, "attempt", 1, 1, INT53_MAX);
    grant->seed = (uint64_t)fields_int(&fields, "seed", 0, 0, INT53_MAX);
    if (grant->trial == 0) {
        fields_fault(&fields, "number", "a trial needs a number");
    }
    object = fields_object(&fields, "resource");
    grant->has_resource = object != NULL;
    fields_begin(&resource, object, "/trial/resource", body->faults);
    wire_copy(&resource, "name", grant->resource_name, sizeof grant->resource_name);
    grant->digits = step_unit_digits(fields_real(&resource, "unit", 1));
    if (grant->digits < 0) {
        fields_fault(&resource, "unit", "must be 1, 0.1, 0.01, … down to 1e-12");
        return;
    }
    grant->from = fields_step_nearest(&resource, "from", grant->digits, 0);
    grant->to = fields_step_nearest(&resource, "to", grant->digits, 0);
    checkpoint_read(&fields, "checkpoint", grant->digits, grant->from, &grant->checkpoint);
}

static void read_limits(struct fields *body, struct lease_grant *grant)
{
    struct fields fields;

    fields_begin(&fields, fields_object(body, "limits"), "/limits", body->faults);
    grant->trial_seconds = fields_real(&fields, "trial_seconds", 0);
    grant->stall_seconds = fields_real(&fields, "stall_seconds", 0);
}

/* An older server does not say it. */
static void read_requires(struct fields *body, struct lease_grant *grant)
{
    struct fields fields;

    fields_begin(&fields, fields_object(body, "requires"), "/requires", body->faults);
    grant->requires_gpus = fields_int(&fields, "gpus", 0, 0, GPUS_MAX);
    grant->requires_gpu_memory_mib = fields_int(&fields, "gpu_memory_mib", 0, 0, INT53_MAX);
}

/* A reference of one's own; NULL stays NULL. */
static json_t *kept(const json_t *value)
{
    return json_incref(json_unconst(value));
}

static void read_values(struct fields *body, struct grant_values *values)
{
    const json_t *trial = json_object_get(body->object, "trial");
    const json_t *parameters = json_object_get(trial, "parameters");
    const json_t *inactive = json_object_get(trial, "inactive");
    const json_t *discard = fields_array(body, "discard");

    values->objectives = kept(fields_array(body, "objectives"));
    values->parameters = json_is_object(parameters) ? kept(parameters) : json_object();
    if (values->parameters == NULL) {
        faults_no_memory(body->faults);
    }
    values->inactive = json_is_array(inactive) ? kept(inactive) : NULL;
    values->job = kept(fields_object(body, "job"));
    values->discard = json_array_size(discard) > 0 ? kept(discard) : NULL;
}

static int read_grant(const json_t *body, struct lease_grant *grant, struct faults *faults,
                      struct err *err)
{
    struct fields fields;

    fields_begin(&fields, body, "", faults);
    read_lease(&fields, grant);
    wire_copy(&fields, "study", grant->study, sizeof grant->study);
    if (!name_is_study(grant->study)) { /* it becomes part of a path on the worker */
        fields_fault(&fields, "study", "\"%s\" is no name of a study", grant->study);
    }
    read_trial(&fields, grant);
    read_limits(&fields, grant);
    read_requires(&fields, grant);
    read_values(&fields, &grant->values);
    return faults_result(faults, err);
}

int lease_grant_from_json(const json_t *body, struct lease_grant *grant, struct err *err)
{
    struct faults faults = {0};

    *grant = (struct lease_grant){0};
    int rc = read_grant(body, grant, &faults, err);
    if (rc != 0) {
        lease_grant_finish(grant);
        (void)err_wrap(err, "the server's lease cannot be read");
    }
    faults_finish(&faults);
    return rc;
}

/* ---- granting nothing ---- */

static const char *const no_lease_names[NO_LEASE_REASON_COUNT] = {
    [NO_LEASE_WAITING] = "waiting",   [NO_LEASE_PAUSED] = "paused", [NO_LEASE_STOPPED] = "stopped",
    [NO_LEASE_FINISHED] = "finished", [NO_LEASE_NONE] = "none",     [NO_LEASE_DRAINED] = "drained",
    [NO_LEASE_TOO_LONG] = "too-long",
};

const char *no_lease_reason_name(enum no_lease_reason reason)
{
    return no_lease_names[reason];
}

void no_lease_write(const struct no_lease *no, struct json_writer *w)
{
    json_object_begin(w);
    json_put_null(w, "lease");
    json_put_string(w, "reason", no_lease_names[no->reason]);
    json_put_string(w, "detail", no->detail);
    json_put_number(w, "retry_after_seconds", no->retry_after_seconds);
    json_object_end(w);
}

int no_lease_from_json(const json_t *body, struct no_lease *no, struct err *err)
{
    const char *reason = json_string_value(json_object_get(body, "reason"));
    const char *detail = json_string_value(json_object_get(body, "detail"));
    const json_t *after = json_object_get(body, "retry_after_seconds");

    *no = (struct no_lease){.reason = NO_LEASE_WAITING};
    if (reason == NULL) {
        return err_set(err, ERR_MALFORMED, "the server's answer has neither a lease nor a reason");
    }
    for (int i = 0; i < NO_LEASE_REASON_COUNT; i++) {
        if (strcmp(reason, no_lease_names[i]) == 0) {
            no->reason = (enum no_lease_reason)i;
        }
    }
    (void)snprintf(no->detail, sizeof no->detail, "%s", detail == NULL ? "" : detail);
    no->retry_after_seconds = json_is_number(after) ? json_number_value(after) : 5;
    return 0;
}

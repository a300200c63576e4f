#include "common/wire/wire.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/step.h"
#include "common/wire/parts.h"

#define DETAIL_BYTES 4096

/* ---- measurements ---- */

void measurement_list_finish(struct measurement_list *list)
{
    free(list->items);
    free(list->names);
    *list = (struct measurement_list){0};
}

/* Checks one metric; on a fault returns false. */
static bool metric_fits(struct fields *fields, const char *name, const json_t *value)
{
    char at[96];

    (void)snprintf(at, sizeof at, "metrics/%.80s", name);
    if (!name_is_metric(name)) {
        fields_fault(fields, at, "a metric's name has " NAME_METRIC_RULE);
        return false;
    }
    if (!json_is_number_like(value)) {
        fields_fault(fields, at,
                     "must be a number, or \"NaN\", \"Infinity\" or \"-Infinity\" as a string");
        return false;
    }
    return true;
}

/* Makes room for all items of the entries and for their names; false: out of memory. */
static bool make_space(const json_t *entries, struct measurement_list *list)
{
    size_t n = 0;
    size_t bytes = 0;
    size_t i;
    json_t *entry;
    const char *name;
    json_t *value;

    json_array_foreach (json_unconst(entries), i, entry) {
        json_object_foreach (json_object_get(entry, "metrics"), name, value) {
            n++;
            bytes += strlen(name) + 1;
        }
    }
    list->items = calloc(n + 1, sizeof *list->items);
    list->names = malloc(bytes + 1);
    return list->items != NULL && list->names != NULL;
}

/* One {"step", "metrics"}; *list has room, `names` is where the next name goes. */
static void read_entry(const json_t *entry, size_t i, struct measurement_list *list, char **names,
                       struct faults *faults)
{
    struct fields fields;
    char pointer[64];
    const char *name;
    json_t *value;

    (void)snprintf(pointer, sizeof pointer, "/measurements/%zu", i);
    fields_begin(&fields, entry, pointer, faults);
    if (!fields_has(&fields, "step")) {
        fields_fault(&fields, "step", "a measurement needs a step");
    }
    double said = wire_step(&fields, 0);
    const json_t *metrics = fields_object(&fields, "metrics");
    fields_end(&fields);
    if (json_object_size(metrics) == 0 || json_object_size(metrics) > METRICS_MAX) {
        fields_fault(&fields, "metrics", "must name 1 to %d metrics", METRICS_MAX);
        return;
    }
    json_object_foreach (json_unconst(metrics), name, value) {
        if (metric_fits(&fields, name, value)) {
            struct measurement *item = &list->items[list->n++];
            size_t bytes = strlen(name) + 1;
            item->said = said;
            item->entry = i;
            item->metric = memcpy(*names, name, bytes);
            item->value = json_number_like(value);
            *names += bytes;
        }
    }
}

int measurement_list_from_json(const json_t *body, struct measurement_list *list,
                               struct faults *faults)
{
    size_t before = faults->total;
    struct fields fields;
    size_t i;
    json_t *entry;

    *list = (struct measurement_list){.digits = STEP_AS_SAID};
    fields_begin(&fields, body, "", faults);
    const json_t *entries = fields_array(&fields, "measurements");
    list->replace = fields_bool(&fields, "replace", false);
    fields_end(&fields);
    if (entries == NULL && faults->total == before) {
        fields_fault(&fields, "measurements", "an array of {\"step\", \"metrics\"} is needed");
    } else if (json_array_size(entries) > MEASUREMENTS_MAX) {
        fields_fault(&fields, "measurements", "at most %d at once; send them in several requests",
                     MEASUREMENTS_MAX);
    } else if (entries != NULL) {
        if (!make_space(entries, list)) {
            faults_no_memory(faults);
        } else {
            char *names = list->names;
            json_array_foreach (entries, i, entry) {
                read_entry(entry, i, list, &names, faults);
            }
        }
    }
    if (faults->total > before) {
        measurement_list_finish(list);
        return -1;
    }
    return 0;
}

int measurement_list_settle(struct measurement_list *list, int digits, struct faults *faults)
{
    size_t before = faults->total;
    char pointer[64];

    for (size_t i = 0; i < list->n && list->digits == STEP_AS_SAID; i++) {
        struct measurement *item = &list->items[i];
        (void)snprintf(pointer, sizeof pointer, "/measurements/%zu/step", item->entry);
        (void)wire_settle(item->said, digits, pointer, &item->step, faults);
    }
    if (faults->total > before) {
        return -1;
    }
    list->digits = digits;
    return 0;
}

/* Where the entry that begins at `i` ends: items of one step, no more than an entry may name. */
static size_t entry_end(const struct measurement_list *list, size_t i)
{
    size_t end = i + 1;

    while (end < list->n && end - i < METRICS_MAX && list->items[end].step == list->items[i].step) {
        end++;
    }
    return end;
}

size_t measurement_list_fit(const struct measurement_list *list)
{
    size_t n = 0;

    for (size_t entries = 0; n < list->n && entries < MEASUREMENTS_MAX; entries++) {
        n = entry_end(list, n);
    }
    return n;
}

/* Has an item in [from, i) the step and the metric of item i? */
static bool is_repeat(const struct measurement_list *list, size_t from, size_t i)
{
    const struct measurement *item = &list->items[i];

    for (size_t k = from; k < i; k++) {
        if (list->items[k].step == item->step && strcmp(list->items[k].metric, item->metric) == 0) {
            return true;
        }
    }
    return false;
}

/* One entry of [from, end); only what stands in [search, end) can repeat one of them. */
static void write_entry(const struct measurement_list *list, size_t from, size_t end, size_t search,
                        struct json_writer *w)
{
    bool open = false;

    for (size_t i = from; i < end; i++) {
        if (is_repeat(list, search, i)) {
            continue;
        }
        if (!open) {
            json_object_begin(w);
            json_put_step(w, "step", list->items[i].step, list->digits);
            json_write_key(w, "metrics");
            json_object_begin(w);
            open = true;
        }
        json_put_number(w, list->items[i].metric, list->items[i].value);
    }
    if (open) {
        json_object_end(w);
        json_object_end(w);
    }
}

void measurement_list_write(const struct measurement_list *list, struct json_writer *w)
{
    int64_t highest = -1;
    size_t end;

    json_object_begin(w);
    json_write_key(w, "measurements");
    json_array_begin(w);
    for (size_t from = 0; from < list->n; from = end) {
        int64_t step = list->items[from].step;
        end = entry_end(list, from);
        write_entry(list, from, end, step > highest ? from : 0, w); /* a new step repeats nothing */
        highest = step > highest ? step : highest;
    }
    json_array_end(w);
    if (list->replace) {
        json_put_bool(w, "replace", true);
    }
    json_object_end(w);
}

/* ---- the server's answer ---- */

static const char *const action_names[ACTION_COUNT] = {
    [ACTION_CONTINUE] = "continue",
    [ACTION_PAUSE] = "pause",
    [ACTION_STOP] = "stop",
    [ACTION_ABORT] = "abort",
};

const char *action_name(enum action action)
{
    return action_names[action];
}

static int action_from_name(const char *name, enum action *action, struct err *err)
{
    for (int i = 0; i < ACTION_COUNT; i++) {
        if (strcmp(name, action_names[i]) == 0) {
            *action = (enum action)i;
            return 0;
        }
    }
    return err_set(err, ERR_INVALID,
                   "\"%.40s\" is no action; known are continue, pause, stop, abort", name);
}

void action_reply_write(const struct action_reply *reply, struct json_writer *w)
{
    json_object_begin(w);
    json_put_string(w, "action", action_names[reply->action]);
    if (reply->has_until) {
        json_put_step(w, "until", reply->until, reply->digits);
    }
    if (reply->expires_at_ms > 0) {
        json_put_moment(w, "expires_at", reply->expires_at_ms);
    }
    if (reply->heartbeat_seconds > 0) {
        json_put_number(w, "heartbeat_seconds", reply->heartbeat_seconds);
    }
    json_put_int(w, "duplicate", reply->duplicate);
    json_put_int(w, "conflict", reply->conflict);
    json_put_int(w, "replaced", reply->replaced);
    if (reply->late) {
        json_put_bool(w, "late", true);
    }
    json_object_end(w);
}

static int read_action(const json_t *body, struct action_reply *reply, struct faults *faults,
                       struct err *err)
{
    struct fields fields;

    fields_begin(&fields, body, "", faults);
    TRY(action_from_name(fields_string(&fields, "action", ""), &reply->action, err));
    reply->has_until = fields_has(&fields, "until");
    reply->until = fields_step_nearest(&fields, "until", reply->digits, 0);
    reply->expires_at_ms = wire_moment(fields_string(&fields, "expires_at", NULL));
    reply->heartbeat_seconds = fields_real(&fields, "heartbeat_seconds", 0);
    reply->duplicate = fields_int(&fields, "duplicate", 0, 0, INT53_MAX);
    reply->conflict = fields_int(&fields, "conflict", 0, 0, INT53_MAX);
    reply->replaced = fields_int(&fields, "replaced", 0, 0, INT53_MAX);
    reply->late = fields_bool(&fields, "late", false);
    return faults_result(faults, err);
}

int action_reply_from_json(const json_t *body, int digits, struct action_reply *reply,
                           struct err *err)
{
    struct faults faults = {0};
    struct action_reply read = {.digits = digits};

    int rc = read_action(body, &read, &faults, err);
    faults_finish(&faults);
    if (rc != 0) {
        return err_wrap(err, "the server's answer cannot be read");
    }
    *reply = read;
    return 0;
}

/* ---- the result ---- */

static const char *const outcome_names[OUTCOME_COUNT] = {
    [OUTCOME_COMPLETED] = "completed",
    [OUTCOME_FAILED] = "failed",
    [OUTCOME_INFEASIBLE] = "infeasible",
    [OUTCOME_PREEMPTED] = "preempted",
};

const char *outcome_name(enum outcome outcome)
{
    return outcome_names[outcome];
}

void result_report_finish(struct result_report *report)
{
    free(report->metrics);
    free(report->detail);
    *report = (struct result_report){0};
}

static void read_outcome(struct fields *fields, struct result_report *report)
{
    const char *name = fields_string(fields, "outcome", "");

    for (int i = 0; i < OUTCOME_COUNT; i++) {
        if (strcmp(name, outcome_names[i]) == 0) {
            report->outcome = (enum outcome)i;
            return;
        }
    }
    fields_fault(fields, "outcome", "must be completed, failed, infeasible or preempted");
}

static void read_metrics(struct fields *fields, struct result_report *report)
{
    const json_t *metrics = fields_object(fields, "metrics");
    const char *name;
    json_t *value;

    if (json_object_size(metrics) > METRICS_MAX) {
        fields_fault(fields, "metrics", "must name at most %d metrics", METRICS_MAX);
        return;
    }
    report->metrics = calloc(json_object_size(metrics) + 1, sizeof *report->metrics);
    if (report->metrics == NULL) {
        faults_no_memory(fields->faults);
        return;
    }
    json_object_foreach (json_unconst(metrics), name, value) {
        if (metric_fits(fields, name, value)) {
            struct metric_value *item = &report->metrics[report->n_metrics++];
            (void)snprintf(item->metric, sizeof item->metric, "%s", name);
            item->value = json_number_like(value);
        }
    }
}

static void read_detail(struct fields *fields, struct result_report *report)
{
    const char *detail = fields_string(fields, "detail", NULL);

    if (detail != NULL && strlen(detail) > DETAIL_BYTES) {
        fields_fault(fields, "detail", "must have at most %d bytes; send the last lines",
                     DETAIL_BYTES);
    } else if (detail != NULL) {
        report->detail = strdup(detail);
        if (report->detail == NULL) {
            faults_no_memory(fields->faults);
        }
    }
}

static double read_usage_part(struct fields *usage, const char *name)
{
    double value = fields_real(usage, name, (double)NAN);

    if (value < 0) {
        fields_fault(usage, name, "must not be negative");
    }
    return value;
}

static void read_usage(struct fields *parent, struct result_report *report)
{
    const json_t *object = fields_object(parent, "usage");
    struct fields fields;

    report->has_usage = object != NULL;
    fields_begin(&fields, object, "/usage", parent->faults);
    report->wall_seconds = read_usage_part(&fields, "wall_seconds");
    report->gpu_seconds = read_usage_part(&fields, "gpu_seconds");
    report->peak_memory_mib = read_usage_part(&fields, "peak_memory_mib");
    report->energy_joules = read_usage_part(&fields, "energy_joules");
    fields_end(&fields);
}

int result_report_from_json(const json_t *body, struct result_report *report, struct faults *faults)
{
    size_t before = faults->total;
    struct fields fields;

    *report = (struct result_report){.digits = STEP_AS_SAID};
    fields_begin(&fields, body, "", faults);
    read_outcome(&fields, report);
    report->has_step = fields_has(&fields, "step");
    report->said = wire_step(&fields, 0);
    read_metrics(&fields, report);
    wire_copy(&fields, "reason", report->reason, sizeof report->reason);
    read_detail(&fields, report);
    checkpoint_read_said(&fields, "checkpoint", report->has_step ? report->said : (double)NAN,
                         &report->checkpoint);
    read_usage(&fields, report);
    fields_end(&fields);
    if (faults->total > before) {
        result_report_finish(report);
        return -1;
    }
    return 0;
}

int result_report_settle(struct result_report *report, int digits, struct faults *faults)
{
    size_t before = faults->total;

    if (report->digits != STEP_AS_SAID) {
        return 0;
    }
    if (report->has_step) {
        (void)wire_settle(report->said, digits, "/step", &report->step, faults);
    }
    if (report->checkpoint.present && !isnan(report->checkpoint.said)) {
        (void)wire_settle(report->checkpoint.said, digits, "/checkpoint/step",
                          &report->checkpoint.step, faults);
    }
    if (faults->total > before) {
        return -1;
    }
    report->digits = digits;
    return 0;
}

static void put_if_said(struct json_writer *w, const char *key, double value)
{
    if (!isnan(value)) {
        json_put_number(w, key, value);
    }
}

static void write_usage(const struct result_report *report, struct json_writer *w)
{
    json_write_key(w, "usage");
    json_object_begin(w);
    put_if_said(w, "wall_seconds", report->wall_seconds);
    put_if_said(w, "gpu_seconds", report->gpu_seconds);
    put_if_said(w, "peak_memory_mib", report->peak_memory_mib);
    put_if_said(w, "energy_joules", report->energy_joules);
    json_object_end(w);
}

void result_report_write(const struct result_report *report, struct json_writer *w)
{
    json_object_begin(w);
    json_put_string(w, "outcome", outcome_names[report->outcome]);
    if (report->has_step && report->digits == STEP_AS_SAID) {
        wire_put_said(w, "step", report->said);
    } else if (report->has_step) {
        json_put_step(w, "step", report->step, report->digits);
    }
    if (report->n_metrics > 0) {
        json_write_key(w, "metrics");
        json_object_begin(w);
        for (size_t i = 0; i < report->n_metrics; i++) {
            json_put_number(w, report->metrics[i].metric, report->metrics[i].value);
        }
        json_object_end(w);
    }
    if (report->reason[0] != '\0') {
        json_put_string(w, "reason", report->reason);
    }
    if (report->detail != NULL) {
        json_put_string(w, "detail", report->detail);
    }
    if (report->checkpoint.present) {
        json_write_key(w, "checkpoint");
        checkpoint_write(&report->checkpoint, report->digits, w);
    }
    if (report->has_usage) {
        write_usage(report, w);
    }
    json_object_end(w);
}

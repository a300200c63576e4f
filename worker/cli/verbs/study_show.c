#include <inttypes.h>
#include <stdio.h>

#include "common/bounds_text.h"
#include "common/cell.h"
#include "common/json.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

#define HYPERVOLUME_MAX 4 /* the server computes it for so many objectives */

const struct usage usage_study_show = {
    .arguments = "NAME",
    .doc = "Shows one study: what it searches, how, how far it is, and the best trial so far.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_min = 1,
    .n_max = 1,
    .missing = STUDY_MISSING,
};

/* One "key  value" line, cleaned; nothing for an empty value. Empties `value`. */
static void line(const char *key, struct buf *value)
{
    OWN(buf) struct buf clean = {0};

    buf_init(&clean, 1 << 20);
    cell_append_clean(&clean, buf_text(value));
    if (clean.len > 0) {
        (void)printf("%-12s %s\n", key, buf_text(&clean));
    }
    buf_clear(value);
}

/* "trials 200, parallel 64" */
static void append_members(struct buf *out, const json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(object), key, value) {
        if (!json_is_null(value)) {
            buf_printf(out, "%s%s ", out->len > 0 ? ", " : "", key);
            value_append(out, value, 6);
        }
    }
}

static void append_resource(struct buf *out, const json_t *resource)
{
    char min[JSON_NUMBER_BYTES];
    char max[JSON_NUMBER_BYTES];
    char step[JSON_NUMBER_BYTES];

    if (json_is_object(resource)) {
        buf_printf(out, "%s %s..%s", text_at(resource, "name"),
                   number_text_at(resource, "min", "1", min),
                   number_text_at(resource, "max", "1", max));
        if (json_object_get(resource, "step") != NULL) {
            buf_printf(out, ", in steps of %s", number_text_at(resource, "step", "", step));
        }
    }
}

static void append_counts(struct buf *out, const json_t *study)
{
    const char *state;
    json_t *count;

    json_object_foreach (json_object_get(study, "counts"), state, count) {
        if (json_integer_value(count) > 0) {
            buf_printf(out, "%s%" JSON_INTEGER_FORMAT " %s", out->len > 0 ? ", " : "",
                       json_integer_value(count), state);
        }
    }
    buf_puts(out, out->len == 0 ? "none yet" : "");
}

static void append_best(struct buf *out, const json_t *best, const char *metric)
{
    const json_t *trial = json_object_get(best, "trial");

    if (json_is_object(trial)) {
        buf_printf(out, "%s ", metric);
        value_append(out, json_object_get(trial, "value"), 17);
        buf_printf(out, ", trial %" PRId64, int_at(trial, "number", 0));
        OWN(buf) struct buf parameters = {0};
        buf_init(&parameters, 1 << 16);
        parameters_append(&parameters, json_object_get(trial, "parameters"), 6);
        buf_printf(out, ": %s", buf_text(&parameters));
    }
}

/* What the trials of several objectives dominate, and up to where. */
static void append_hypervolume(struct buf *out, const json_t *hypervolume)
{
    const char *metric;
    json_t *value;
    const char *before = ", up to";

    if (json_object_size(json_object_get(hypervolume, "reference")) == 0) {
        return;
    }
    value_append(out, json_object_get(hypervolume, "hypervolume"), 6);
    json_object_foreach (json_object_get(hypervolume, "reference"), metric, value) {
        buf_printf(out, "%s %s ", before, metric);
        value_append(out, value, 6);
        before = ",";
    }
}

static void append_names(struct buf *out, const json_t *names)
{
    size_t i;
    json_t *name;

    json_array_foreach (json_unconst(names), i, name) {
        buf_printf(out, "%s%s", i == 0 ? "" : ", ",
                   json_is_string(name) ? json_string_value(name) : "");
    }
}

static void print_parameters(const json_t *study)
{
    size_t i;
    json_t *parameter;
    OWN(buf) struct buf text = {0};

    buf_init(&text, 1 << 20);
    (void)printf("parameters\n");
    json_array_foreach (json_object_get(study, "parameters"), i, parameter) {
        OWN(buf) struct buf clean = {0};
        buf_init(&clean, 1 << 20);
        parameter_append_domain(&text, parameter);
        cell_append_clean(&clean, text_at(parameter, "name"));
        cell_append_clean(&clean, "  ");
        cell_append_clean(&clean, buf_text(&text));
        (void)printf("  %s\n", buf_text(&clean));
        buf_clear(&text);
    }
    json_array_foreach (json_object_get(study, "constraints"), i, parameter) {
        buf_puts(&text, json_string_value(parameter) == NULL ? "" : json_string_value(parameter));
        line(i == 0 ? "constraints" : "", &text);
    }
}

/* Why `auto` chose what it did. */
static void print_reasons(const json_t *study, struct buf *text)
{
    const json_t *chosen = json_object_get(json_object_get(study, "strategy"), "chosen");
    size_t i;
    json_t *reason;

    json_array_foreach (json_object_get(chosen, "because"), i, reason) {
        buf_puts(text, json_is_string(reason) ? json_string_value(reason) : "");
        line(i == 0 ? "because" : "", text);
    }
}

/* With outcome constraints: how many trials count at all, and what to look at where none does. */
static void print_feasible(const json_t *study, const json_t *best, struct buf *text)
{
    bounds_append_count(text, study);
    line("feasible", text);
    bounds_append_nearest(text, best);
    line("", text);
    bounds_append_never_reported(text, study);
    line("", text);
}

/* `result`: the best trial, or with several objectives the hypervolume. */
static void print_study(const json_t *study, const json_t *result)
{
    OWN(buf) struct buf text = {0};
    char moment[TEXT_MOMENT_BYTES];
    const char *metric = study_metric(study);
    size_t i;
    json_t *item;

    buf_init(&text, 1 << 20);
    buf_puts(&text, text_at(study, "name"));
    line("study", &text);
    buf_puts(&text, text_at(study, "description"));
    line("description", &text);
    study_append_state(&text, study);
    if (*text_at(study, "detail") != '\0') {
        buf_printf(&text, ": %s", text_at(study, "detail"));
    }
    line("state", &text);
    buf_puts(&text, text_local(text_at(study, "created_at"), moment));
    line("created", &text);
    study_append_objectives(&text, study);
    line("objective", &text);
    json_array_foreach (json_object_get(study, "subject_to"), i, item) {
        buf_puts(&text, json_is_string(item) ? json_string_value(item) : "");
        line(i == 0 ? "subject to" : "", &text);
    }
    study_append_strategy(&text, study);
    line("strategy", &text);
    print_reasons(study, &text);
    append_names(&text, json_object_get(study, "after"));
    line("after", &text);
    json_array_foreach (json_object_get(study, "not_learned"), i, item) {
        study_append_not_learned(&text, item);
        line("", &text);
    }
    append_resource(&text, json_object_get(study, "resource"));
    line("resource", &text);
    append_members(&text, json_object_get(study, "stopping"));
    line("stopping", &text);
    append_members(&text, json_object_get(study, "limits"));
    line("limits", &text);
    append_members(&text, json_object_get(study, "labels"));
    line("labels", &text);
    append_counts(&text, study);
    line("trials", &text);
    if (metric != NULL) {
        append_best(&text, result, metric);
        line("best", &text);
    } else {
        append_hypervolume(&text, result);
        line("hypervolume", &text);
    }
    print_feasible(study, metric != NULL ? result : NULL, &text);
    print_parameters(study);
}

static int show(const struct options *options, struct err *err)
{
    OWN(session) struct session session = {0};
    json_auto_t *study = NULL;
    json_auto_t *result = NULL;

    TRY(session_open_study(options, &session, "", &study, err));
    if (study == NULL) {
        return 0;
    }
    if (options->output == OUTPUT_NAME) {
        text_print(stdout, text_at(study, "name"));
    } else if (options->output != OUTPUT_TABLE && options->output != OUTPUT_WIDE) {
        print_json(stdout, study);
    } else {
        if (study_metric(study) != NULL) {
            TRY(session_get_part(&session, "/best", &result, err));
        } else if (json_array_size(json_object_get(study, "objectives")) <= HYPERVOLUME_MAX) {
            TRY(session_get_part(&session, "/hypervolume", &result, err));
        }
        print_study(study, result);
    }
    return 0;
}

int verb_study_show(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_study_show, argc, argv, NULL, &options);
    return exit_after(show(&options, &err), &err);
}

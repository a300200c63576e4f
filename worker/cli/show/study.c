#include "worker/cli/show/study.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/bounds_text.h"
#include "common/cell.h"
#include "common/json.h"
#include "common/json_value.h"
#include "worker/cli/session.h"
#include "worker/cli/text.h"

void study_append_state(struct buf *out, const json_t *study)
{
    buf_puts(out, text_at(study, "state"));
    if (*text_at(study, "reason") != '\0') {
        buf_printf(out, " (%s)", text_at(study, "reason"));
    }
}

void study_print_detail(const json_t *study)
{
    OWN(buf) struct buf clean = {0};

    buf_init(&clean, 1 << 12);
    cell_append_clean(&clean, text_at(study, "detail"));
    if (clean.len > 0) {
        (void)fprintf(stderr, "hone: '%s' is finished: %s\n", text_at(study, "name"),
                      buf_text(&clean));
    }
}

void study_append_no_best(struct buf *out, const json_t *study, const json_t *best)
{
    static void (*const parts[])(struct buf * out, const json_t *answer) = {
        bounds_append_count, bounds_append_nearest, bounds_append_never_reported};
    OWN(buf) struct buf text = {0};
    size_t before = out->len;

    if (json_is_object(json_object_get(best, "trial"))) {
        return;
    }
    for (size_t i = 0; study_count(study, "completed") > 0 && i < sizeof parts / sizeof parts[0];
         i++) {
        buf_init(&text, 1 << 16);
        parts[i](&text, best);
        buf_puts(out, text.len > 0 && out->len > before ? "; " : "");
        cell_append_clean(out, buf_text(&text));
        buf_finish(&text);
    }
    if (out->len == before) {
        buf_printf(out, "no trial of '%s' has a value yet", text_at(study, "name"));
    }
}

void study_append_objectives(struct buf *out, const json_t *study)
{
    size_t i;
    json_t *objective;

    json_array_foreach (json_object_get(study, "objectives"), i, objective) {
        buf_printf(out, "%s%s %s", i > 0 ? ", " : "", text_at(objective, "direction"),
                   text_at(objective, "metric"));
    }
}

/* "asha, mode predictive": the name and the options. */
static void append_choice(struct buf *out, const json_t *strategy)
{
    const char *key;
    json_t *value;

    buf_puts(out, text_at(strategy, "name"));
    json_object_foreach (json_unconst(strategy), key, value) {
        if (strcmp(key, "name") != 0 && !json_is_null(value) && !json_is_object(value)
            && !json_is_array(value)) {
            buf_printf(out, ", %s ", key);
            value_append(out, value, 6);
        }
    }
}

void study_append_strategy(struct buf *out, const json_t *study)
{
    const json_t *strategy = json_object_get(study, "strategy");
    const json_t *chosen = json_object_get(strategy, "chosen");

    if (json_is_string(strategy)) {
        buf_puts(out, json_string_value(strategy));
        return;
    }
    append_choice(out, strategy);
    if (json_is_object(chosen)) {
        buf_puts(out, ": ");
        append_choice(out, chosen);
    }
}

static void append_items(struct buf *out, const json_t *items)
{
    size_t i;
    json_t *item;

    json_array_foreach (json_unconst(items), i, item) {
        buf_puts(out, i > 0 ? ", " : "");
        parameter_append_value(out, item, 6);
    }
}

static void append_condition(struct buf *out, const json_t *when)
{
    const char *parent;
    json_t *allowed;
    bool first = true;

    json_object_foreach (json_unconst(when), parent, allowed) {
        buf_printf(out, "%s%s is ", first ? ", when " : " and ", parent);
        first = false;
        if (json_is_array(allowed)) {
            append_items(out, allowed);
        } else {
            parameter_append_value(out, allowed, 6);
        }
    }
}

static void append_removed(struct buf *out, const json_t *removed)
{
    size_t i;
    json_t *item;

    json_array_foreach (json_unconst(removed), i, item) {
        buf_puts(out, i == 0 ? ", removed " : ", ");
        value_append(out, json_object_get(item, "value"), 6);
    }
}

void parameter_append_domain(struct buf *out, const json_t *parameter)
{
    static const char *const extras[] = {"step", "grid", "default"};
    const json_t *choices = json_object_get(parameter, "choices");
    const json_t *values = json_object_get(parameter, "values");

    buf_puts(out, text_at(parameter, "type"));
    if (json_object_get(parameter, "distribution") != NULL) {
        buf_printf(out, " %s mean ", text_at(parameter, "distribution"));
        value_append(out, json_object_get(parameter, "mean"), 6);
        buf_puts(out, " sd ");
        value_append(out, json_object_get(parameter, "sd"), 6);
    }
    if (json_object_get(parameter, "low") != NULL || json_object_get(parameter, "high") != NULL) {
        buf_putc(out, ' ');
        value_append(out, json_object_get(parameter, "low"), 6);
        buf_puts(out, "..");
        value_append(out, json_object_get(parameter, "high"), 6);
    }
    if (choices != NULL || values != NULL) {
        buf_putc(out, ' ');
        append_items(out, choices != NULL ? choices : values);
    }
    append_removed(out, json_object_get(parameter, "removed"));
    if (json_object_get(parameter, "weights") != NULL) {
        buf_puts(out, ", weights ");
        append_items(out, json_object_get(parameter, "weights"));
    }
    if (json_object_get(parameter, "value") != NULL) {
        buf_putc(out, ' ');
        parameter_append_value(out, json_object_get(parameter, "value"), 6);
    }
    if (json_object_get(parameter, "scale") != NULL) {
        buf_printf(out, " %s", text_at(parameter, "scale"));
    }
    for (size_t i = 0; i < sizeof extras / sizeof extras[0]; i++) {
        if (json_object_get(parameter, extras[i]) != NULL) {
            buf_printf(out, ", %s ", extras[i]);
            parameter_append_value(out, json_object_get(parameter, extras[i]), 6);
        }
    }
    append_condition(out, json_object_get(parameter, "when"));
}

int64_t study_count(const json_t *study, const char *state)
{
    return int_at(json_object_get(study, "counts"), state, 0);
}

int64_t study_count_done(const json_t *study)
{
    static const char *const ends[] = {"completed", "pruned", "failed", "infeasible", "cancelled"};
    int64_t done = 0;

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        done += study_count(study, ends[i]);
    }
    return done;
}

const json_t *trial_progress(const json_t *trial, const char *key)
{
    const json_t *live = json_object_get(json_object_get(trial, "live"), key);

    return live == NULL || json_is_null(live) ? json_object_get(trial, key) : live;
}

const char *study_metric(const json_t *study)
{
    const json_t *objectives = json_object_get(study, "objectives");

    return json_array_size(objectives) == 1
               ? json_string_value(json_object_get(json_array_get(objectives, 0), "metric"))
               : NULL;
}

int confirm(const struct options *options, const char *what, const char *name, struct err *err)
{
    char line[256];

    if (options->yes || options->dry_run || options->curl) {
        return 0;
    }
    if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
        return err_set(err, ERR_INVALID, "this %s; add --yes to do it without being asked", what);
    }
    (void)fprintf(stderr, "This %s. Type '%s' to go on: ", what, name);
    if (fgets(line, sizeof line, stdin) == NULL) {
        line[0] = '\0';
    }
    line[strcspn(line, "\n")] = '\0';
    return strcmp(line, name) == 0
               ? 0
               : err_set(err, ERR_INVALID, "that is not '%s'; nothing was done", name);
}

void study_append_not_learned(struct buf *out, const json_t *item)
{
    OWN(buf) struct buf clean = {0};

    buf_init(&clean, 1 << 14);
    cell_append_clean(&clean, text_at(item, "parameter"));
    buf_printf(out, "nothing about %s is learned from '%s': %s", buf_text(&clean),
               text_at(item, "study"), text_at(item, "detail"));
}

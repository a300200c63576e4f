#include "worker/cli/define/run_line.h"

#include <stdio.h>
#include <string.h>

#include "common/cell.h"
#include "common/json.h"
#include "common/metric_bound.h"
#include "common/shell.h"
#include "worker/cli/session.h"
#include "worker/cli/show/study.h"

enum { WIDTH = 80, WORD_BYTES = 1 << 16 };

struct run_text {
    struct buf *out;
    size_t column;
};

/* Appends the option with its value, NULL: it has none, on a new line where they do not fit. */
static void add(struct run_text *line, const char *option, const char *value)
{
    OWN(buf) struct buf words = {0};

    buf_init(&words, WORD_BYTES);
    buf_puts(&words, option);
    if (value != NULL) {
        shell_append_word(&words, value);
    }
    size_t columns = cell_columns(buf_text(&words));
    if (line->column + columns + 3 > WIDTH) {
        buf_puts(line->out, " \\\n     ");
        line->column = 5;
    }
    buf_printf(line->out, " %s", buf_text(&words));
    line->column += columns + 1;
}

static void add_value(struct run_text *line, const char *option, const json_t *value)
{
    OWN(buf) struct buf text = {0};

    if (value != NULL && !json_is_null(value)) {
        buf_init(&text, WORD_BYTES);
        value_append(&text, value, 17);
        add(line, option, buf_text(&text));
    }
}

static void add_each(struct run_text *line, const char *option, const json_t *values)
{
    size_t i;
    json_t *value;

    json_array_foreach (json_unconst(values), i, value) {
        add_value(line, option, value);
    }
}

/* As --goal is typed. */
static void add_goal(struct run_text *line, const json_t *objective, bool maximizes)
{
    const json_t *value = json_object_get(objective, "goal");
    struct metric_bound goal = {.is_lower = maximizes, .limit = json_number_value(value)};
    char text[METRIC_BOUND_BYTES];

    if (json_is_number(value)) {
        (void)snprintf(goal.metric, sizeof goal.metric, "%s", text_at(objective, "metric"));
        add(line, "--goal", metric_bound_text(&goal, text));
    }
}

static void add_objectives(struct run_text *line, const json_t *study)
{
    size_t i;
    json_t *objective;

    json_array_foreach (json_object_get(study, "objectives"), i, objective) {
        bool maximizes = strcmp(text_at(objective, "direction"), "maximize") == 0;
        add(line, maximizes ? "--maximize" : "--minimize", text_at(objective, "metric"));
        add_goal(line, objective, maximizes);
    }
}

static void add_parameters(struct run_text *line, const struct definition *definition)
{
    const char *name;
    json_t *argument;

    json_object_foreach (definition->arguments, name, argument) {
        add(line, "-P", json_string_value(argument));
    }
}

static void add_resource(struct run_text *line, const json_t *resource)
{
    OWN(buf) struct buf text = {0};

    if (!json_is_object(resource)) {
        return;
    }
    buf_init(&text, WORD_BYTES);
    buf_printf(&text, "%s=", text_at(resource, "name"));
    value_append(&text, json_object_get(resource, "min"), 17);
    buf_puts(&text, "..");
    value_append(&text, json_object_get(resource, "max"), 17);
    if (json_object_get(resource, "step") != NULL) {
        buf_putc(&text, ':');
        value_append(&text, json_object_get(resource, "step"), 17);
    }
    add(line, "--resource", buf_text(&text));
}

/* {"name": "asha", "mode": "predictive"} → asha,mode=predictive */
static void add_choice(struct run_text *line, const char *option, const json_t *choice,
                       const char *name_key)
{
    OWN(buf) struct buf text = {0};
    const char *key;
    json_t *value;

    if (!json_is_object(choice)) {
        add_value(line, option, choice);
        return;
    }
    buf_init(&text, WORD_BYTES);
    buf_puts(&text, text_at(choice, name_key));
    json_object_foreach (json_unconst(choice), key, value) {
        if (strcmp(key, name_key) != 0) {
            buf_printf(&text, ",%s=", key);
            value_append(&text, value, 17);
        }
    }
    add(line, option, buf_text(&text));
}

static void add_limits(struct run_text *line, const json_t *limits)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_unconst(limits), name, value) {
        const char *option = definition_limit_option(name);
        if (option != NULL) {
            add_value(line, option, value);
        }
    }
}

void run_line_append(const struct definition *definition, const json_t *study, struct buf *out)
{
    const char *name = text_at(study, "name");
    struct run_text line = {.out = out, .column = strlen("  hone run")};

    buf_puts(out, "  hone run");
    add(&line, *name == '\0' ? "NAME" : name, NULL);
    if (definition->file != NULL) {
        add(&line, "-f", definition->file);
    }
    add_objectives(&line, study);
    add_parameters(&line, definition);
    add_each(&line, "--constraint", json_object_get(definition->given, "constraints"));
    add_each(&line, "--subject-to", json_object_get(definition->given, "subject_to"));
    add_resource(&line, json_object_get(study, "resource"));
    add_choice(&line, "--strategy", json_object_get(study, "strategy"), "name");
    add_choice(&line, "--stopping", json_object_get(study, "stopping"), "rule");
    add_limits(&line, json_object_get(study, "limits"));
    add_value(&line, "--seed", json_object_get(definition->given, "seed"));
    add_each(&line, "--after", json_object_get(definition->given, "after"));
    add(&line, "-- COMMAND {args}", NULL);
    buf_putc(out, '\n');
}

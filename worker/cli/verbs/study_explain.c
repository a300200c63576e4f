#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/session.h"
#include "worker/cli/show/attempts.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

const struct usage usage_study_explain = {
    .arguments = "NAME TRIAL",
    .doc = "Tells why a trial was tried, and why it goes on, waits or was stopped.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_min = 2,
    .n_max = 2,
    .missing = "name the study and the number of the trial: hone study explain digits 12",
};

/* Prints one line, cleaned, and empties the text. */
static void print_line(struct buf *text)
{
    text_print(stdout, buf_text(text));
    buf_clear(text);
}

/* An object within a list on one line: "acquisition_value -3.1, parameters x=1 y=2". */
static void append_flat(const json_t *object, struct buf *text)
{
    const char *key;
    json_t *value;
    const char *joint = "";

    json_object_foreach (json_unconst(object), key, value) {
        buf_printf(text, "%s%s ", joint, key);
        if (json_is_object(value)) {
            OWN(buf) struct buf parameters = {0};
            buf_init(&parameters, 1 << 20);
            parameters_append(&parameters, value, 6);
            buf_puts(text, buf_text(&parameters));
        } else {
            value_append(text, value, 6);
        }
        joint = ", ";
    }
}

/* "results 40": members, deeper ones indented below their name. */
static void print_members(const json_t *object, int depth, struct buf *text)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(object), key, value) {
        size_t i;
        json_t *item;
        bool is_list = json_is_array(value) && json_is_object(json_array_get(value, 0));
        if (json_is_array(value) && json_array_size(value) == 0) {
            continue;
        }
        buf_printf(text, "%*s%s", 2 * depth, "", key);
        if (!is_list && !json_is_object(value)) {
            buf_putc(text, ' ');
            value_append(text, value, 6);
        }
        print_line(text);
        if (json_is_object(value)) {
            print_members(value, depth + 1, text);
        }
        json_array_foreach (is_list ? value : NULL, i, item) {
            buf_printf(text, "%*s", 2 * depth + 2, "");
            append_flat(item, text);
            print_line(text);
        }
    }
}

static void print_origin(const json_t *answer, struct buf *text)
{
    buf_printf(text, "trial %" PRId64 " is %s; it was %s", int_at(answer, "trial", 0),
               text_at(answer, "state"), text_at(answer, "source"));
    if (int_at(answer, "ordinal", 0) > 0) {
        buf_printf(text, " as number %" PRId64, int_at(answer, "ordinal", 0));
    }
    print_line(text);
    const char *why = text_at(json_object_get(answer, "provenance"), "text");
    if (*why != '\0') {
        buf_printf(text, "why this one: %s", why);
        print_line(text);
    }
    print_members(json_object_get(answer, "suggestion"), 1, text);
}

/* "2026-11-24 22:00:00 +01:00  value     9 epochs: 0.91" */
static void print_event(const json_t *event, struct buf *text)
{
    static const char *const numbers[] = {"value", "median", "threshold"};
    char moment[TEXT_MOMENT_BYTES];
    char step[JSON_NUMBER_BYTES];

    buf_printf(text, "  %s  %-9s", text_local(text_at(event, "at"), moment),
               text_at(event, "event"));
    if (number_at(event, "step") >= 0) {
        buf_printf(text, " step %s", number_text_at(event, "step", "", step));
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const json_t *number = json_object_get(event, numbers[i]);
        if (number != NULL && *text_at(event, "text") == '\0') {
            buf_printf(text, ", %s ", numbers[i]);
            value_append(text, number, 6);
        }
    }
    if (*text_at(event, "text") != '\0') {
        buf_printf(text, ": %s", text_at(event, "text"));
    }
    print_line(text);
}

static void print_schedule(const json_t *schedule, struct buf *text)
{
    size_t i;
    json_t *event;

    if (!json_is_object(schedule)) {
        return;
    }
    buf_printf(text, "bracket %" PRId64 ", rung %" PRId64 " of %s: it %s",
               int_at(schedule, "bracket", 0), int_at(schedule, "rung", 0),
               text_at(schedule, "schedule"), text_at(schedule, "text"));
    print_line(text);
    json_array_foreach (json_object_get(schedule, "history"), i, event) {
        print_event(event, text);
    }
}

static void print_reports(const json_t *answer, struct buf *text)
{
    int64_t replaced = int_at(answer, "replaced", 0);
    int64_t ignored = int_at(answer, "ignored", 0);
    size_t i;
    json_t *note;

    if (replaced > 0 || ignored > 0) {
        buf_printf(text,
                   "values reported again for a step: %" PRId64 " replaced, %" PRId64 " ignored",
                   replaced, ignored);
        print_line(text);
    }
    json_array_foreach (json_object_get(answer, "notes"), i, note) {
        attempt_print_note(stdout, note, "text");
    }
}

static void print_answer(const json_t *answer)
{
    OWN(buf) struct buf text = {0};

    buf_init(&text, 1 << 20);
    print_origin(answer, &text);
    print_schedule(json_object_get(answer, "schedule"), &text);
    print_reports(answer, &text);
}

/* Where the rest of what a failed one printed is. */
static void tell_log(const struct options *options, const json_t *answer)
{
    (void)fflush(stdout);
    if (strcmp(text_at(answer, "state"), "failed") == 0) {
        say("'hone logs %s %s' shows all that it printed", options->arguments[0],
            options->arguments[1]);
    }
}

static int explain(const struct options *options, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    json_auto_t *answer = NULL;

    (void)study_path(&path, options->arguments[0], "/trials/");
    http_escape(&path, options->arguments[1]);
    buf_puts(&path, "/explain");
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", buf_text(&path), NULL)) {
        return 0;
    }
    TRY(session_get(&session, buf_text(&path), &answer, err));
    if (options->output == OUTPUT_TABLE || options->output == OUTPUT_WIDE) {
        print_answer(answer);
        tell_log(options, answer);
    } else {
        print_json(stdout, answer);
    }
    return 0;
}

int verb_study_explain(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_study_explain, argc, argv, NULL, &options);
    return exit_after(explain(&options, &err), &err);
}

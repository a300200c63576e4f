/* trial show: one trial, its values, and what became of its attempts. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cell.h"
#include "common/http/client.h"
#include "worker/cli/session.h"
#include "worker/cli/show/attempts.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/show/trials_csv.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

const struct usage usage_trial_show = {
    .arguments = "STUDY TRIAL",
    .doc =
        "Shows one trial: its state, values and parameters in full precision, and how each of its "
        "attempts ended, with the last lines of those that failed.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_min = 2,
    .n_max = 2,
    .missing = "name the study and the number of the trial: hone trial show digits 12",
};

/* One "name  text" line, cleaned; nothing for an empty text, which is emptied. */
static void line(const char *name, struct buf *text)
{
    OWN(buf) struct buf clean = {0};

    buf_init(&clean, 1 << 16);
    cell_append_clean(&clean, name);
    size_t width = cell_columns(buf_text(&clean));
    buf_clear(&clean);
    cell_append_fitted(&clean, name, width < 12 ? 12 : width, false);
    if (text->len > 0) {
        buf_printf(&clean, " %s", buf_text(text));
        text_print(stdout, buf_text(&clean));
    }
    buf_clear(text);
}

static void member(const json_t *trial, const char *key, struct buf *text)
{
    const json_t *value = json_object_get(trial, key);

    if (value != NULL && !json_is_null(value)) {
        value_append(text, value, 17);
    }
    line(key, text);
}

static void members(const json_t *object, struct buf *text)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_unconst(object), name, value) {
        parameter_append_value(text, value, 17);
        line(name, text);
    }
}

static void moment(const json_t *trial, const char *key, const char *title, struct buf *text)
{
    char local[TEXT_MOMENT_BYTES];

    if (*text_at(trial, key) != '\0') {
        buf_puts(text, text_local(text_at(trial, key), local));
    }
    line(title, text);
}

static void print_trial(const json_t *trial)
{
    OWN(buf) struct buf text = {0};
    int64_t from_ms = text_moment_ms(text_at(trial, "started_at"));
    int64_t to_ms = text_moment_ms(text_at(trial, "ended_at"));
    char span[TEXT_SPAN_BYTES];

    buf_init(&text, 1 << 16);
    buf_printf(&text, "%" PRId64, int_at(trial, "number", 0));
    line("trial", &text);
    buf_puts(&text, text_at(trial, "state"));
    if (*text_at(trial, "reason") != '\0') {
        buf_printf(&text, " (%s)", text_at(trial, "reason"));
    }
    line("state", &text);
    member(trial, "worker", &text);
    member(trial, "step", &text);
    members(json_object_get(trial, "metrics"), &text);
    members(json_object_get(trial, "parameters"), &text);
    buf_puts(&text, text_at(trial, "source"));
    line("source", &text);
    moment(trial, "started_at", "started", &text);
    moment(trial, "ended_at", "ended", &text);
    if (from_ms >= 0 && to_ms >= from_ms) {
        buf_puts(&text, text_span(to_ms - from_ms, span));
    }
    line("took", &text);
}

static int print_attempt(void *context, json_t *attempt, struct err *err)
{
    (void)context;
    (void)err;
    attempt_print_note(stdout, attempt, "detail");
    return 0;
}

static int print_text(struct session *session, const json_t *trial, const char *path,
                      struct err *err)
{
    OWN(buf) struct buf attempts = {0};
    const char *const *arguments = (const char *const *)session->options->arguments;

    print_trial(trial);
    buf_init(&attempts, 4096);
    buf_printf(&attempts, "%s/attempts", path);
    TRY(session_each(session, buf_text(&attempts), print_attempt, NULL, err));
    (void)fflush(stdout);
    say("'hone study explain %s %s' tells why it was tried, 'hone logs %s %s' what it printed",
        arguments[0], arguments[1], arguments[0], arguments[1]);
    return 0;
}

static int show(const struct options *options, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    json_auto_t *trial = NULL;

    (void)study_path(&path, options->arguments[0], "/trials/");
    http_escape(&path, options->arguments[1]);
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", buf_text(&path), NULL)) {
        return 0;
    }
    TRY(session_get(&session, buf_text(&path), &trial, err));
    switch (options->output) {
    case OUTPUT_TABLE:
    case OUTPUT_WIDE:
        return print_text(&session, trial, buf_text(&path), err);
    case OUTPUT_CSV:
        return trials_print_csv_one(&session, options->arguments[0], int_at(trial, "number", 0),
                                    err);
    case OUTPUT_NAME:
        (void)printf("%" PRId64 "\n", int_at(trial, "number", 0));
        return 0;
    case OUTPUT_JSON:
    case OUTPUT_NDJSON:
    case OUTPUT_COUNT:
    default:
        print_json(stdout, trial);
        return 0;
    }
}

int verb_trial_show(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_trial_show, argc, argv, NULL, &options);
    return exit_after(show(&options, &err), &err);
}

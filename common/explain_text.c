#include "common/explain_text.h"

#include <inttypes.h>
#include <string.h>

#include "common/bounds_text.h"
#include "common/cell.h"
#include "common/figures.h"
#include "common/json.h"
#include "common/json_at.h"

#define LINE_BYTES ((size_t)1 << 20)
#define SILENT_SECONDS 30 /* without a report, which is pointed out */

struct text_page {
    struct buf *out;
    struct buf line; /* the present one */
    const char *(*moment)(const char *moment, char text[TEXT_MOMENT_BYTES]);
};

/* Ends the line: cleaned, it becomes one of the page. */
static void end_line(struct text_page *page)
{
    cell_append_clean(page->out, buf_text(&page->line));
    buf_putc(page->out, '\n');
    buf_check_part(page->out, &page->line);
    buf_clear(&page->line);
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
            buf_check_part(text, &parameters);
            buf_puts(text, buf_text(&parameters));
        } else {
            value_append(text, value, 6);
        }
        joint = ", ";
    }
}

/* "results 40": members, deeper ones indented below their name. */
static void write_members(const json_t *object, int depth, struct text_page *page)
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
        buf_printf(&page->line, "%*s%s", 2 * depth, "", key);
        if (!is_list && !json_is_object(value)) {
            buf_putc(&page->line, ' ');
            value_append(&page->line, value, 6);
        }
        end_line(page);
        if (json_is_object(value)) {
            write_members(value, depth + 1, page);
        }
        json_array_foreach (is_list ? value : NULL, i, item) {
            buf_printf(&page->line, "%*s", 2 * depth + 2, "");
            append_flat(item, &page->line);
            end_line(page);
        }
    }
}

static void write_title(const json_t *answer, struct text_page *page)
{
    buf_printf(&page->line, "trial %" PRId64 " is %s", int_at(answer, "trial", 0),
               text_at(answer, "state"));
    if (*text_at(answer, "reason") != '\0') {
        buf_printf(&page->line, " (%s)", text_at(answer, "reason"));
    }
    if (*text_at(answer, "worker") != '\0') {
        buf_printf(&page->line, ", last on %s", text_at(answer, "worker"));
    }
    buf_printf(&page->line, "; it was %s", text_at(answer, "source"));
    if (int_at(answer, "ordinal", 0) > 0) {
        buf_printf(&page->line, " as number %" PRId64, int_at(answer, "ordinal", 0));
    }
    end_line(page);
}

static const char *span_at(const json_t *object, const char *key, char text[TEXT_SPAN_BYTES])
{
    double seconds = number_at(object, key);

    return text_span(seconds > 0 && seconds < 1e12 ? (int64_t)(seconds * 1000) : 0, text);
}

/* "attempt 2 runs on node07:0, at step 4: no report for 1:23, last heartbeat 0:12 ago" */
static void write_running(const json_t *running, struct text_page *page)
{
    char step[JSON_NUMBER_BYTES];
    char span[TEXT_SPAN_BYTES];
    bool is_silent = number_at(running, "silent_seconds") >= SILENT_SECONDS;
    bool has_step = json_is_number(json_object_get(running, "step"));

    if (!json_is_object(running)) {
        return;
    }
    buf_printf(&page->line, "attempt %" PRId64 " runs on %s", int_at(running, "attempt", 0),
               text_at(running, "worker"));
    if (has_step) {
        buf_printf(&page->line, ", at step %s", number_text_at(running, "step", "", step));
    }
    (void)span_at(running, "silent_seconds", span);
    if (has_step && !is_silent) {
        buf_printf(&page->line, ": last report %s ago", span);
    } else {
        buf_printf(&page->line, ": no report%s for %s", has_step ? "" : " yet,", span);
    }
    if (json_object_get(running, "heartbeat_seconds") != NULL) {
        buf_printf(&page->line, ", last heartbeat %s ago",
                   span_at(running, "heartbeat_seconds", span));
    }
    end_line(page);
}

static void write_choice(const json_t *answer, struct text_page *page)
{
    const char *why = text_at(json_object_get(answer, "provenance"), "text");

    if (*why != '\0') {
        buf_printf(&page->line, "why this one: %s", why);
        end_line(page);
    }
    write_members(json_object_get(answer, "suggestion"), 1, page);
}

/* "2026-11-24 22:00:00 +01:00  value     9 epochs: 0.91" */
static void write_event(const json_t *event, struct text_page *page)
{
    static const char *const numbers[] = {"value", "median", "threshold"};
    char moment[TEXT_MOMENT_BYTES];
    char step[JSON_NUMBER_BYTES];

    buf_printf(&page->line, "  %s  %-9s", page->moment(text_at(event, "at"), moment),
               text_at(event, "event"));
    if (number_at(event, "step") >= 0) {
        buf_printf(&page->line, " step %s", number_text_at(event, "step", "", step));
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const json_t *number = json_object_get(event, numbers[i]);
        if (number != NULL && *text_at(event, "text") == '\0') {
            buf_printf(&page->line, ", %s ", numbers[i]);
            value_append(&page->line, number, 6);
        }
    }
    if (*text_at(event, "text") != '\0') {
        buf_printf(&page->line, ": %s", text_at(event, "text"));
    }
    end_line(page);
}

static void write_schedule(const json_t *schedule, struct text_page *page)
{
    size_t i;
    json_t *event;

    if (!json_is_object(schedule)) {
        return;
    }
    buf_printf(&page->line, "bracket %" PRId64 ", rung %" PRId64 " of %s: it %s",
               int_at(schedule, "bracket", 0), int_at(schedule, "rung", 0),
               text_at(schedule, "schedule"), text_at(schedule, "text"));
    end_line(page);
    json_array_foreach (json_object_get(schedule, "history"), i, event) {
        write_event(event, page);
    }
}

/* "attempt 1 failed (exit_code) on node07:0" */
static void append_attempt(const json_t *note, struct buf *text)
{
    const char *reason = text_at(note, "reason");
    const char *worker = text_at(note, "worker");

    buf_printf(text, "attempt %" PRId64 " %s", int_at(note, "attempt", 0), text_at(note, "state"));
    if (*reason != '\0') {
        buf_printf(text, " (%s)", reason);
    }
    if (*worker != '\0') {
        buf_printf(text, " on %s", worker);
    }
}

static void write_note(const json_t *note, const char *text_key, struct text_page *page)
{
    const char *line = text_at(note, text_key);

    append_attempt(note, &page->line);
    buf_puts(&page->line, *line == '\0' ? "" : ":");
    end_line(page);
    while (*line != '\0') {
        size_t len = strcspn(line, "\n");
        buf_printf(&page->line, "  %.*s", (int)len, line);
        end_line(page);
        line += len + (line[len] == '\n');
    }
}

void explain_write_note(const json_t *note, const char *text_key, struct buf *out)
{
    struct text_page page = {.out = out};

    buf_init(&page.line, LINE_BYTES);
    write_note(note, text_key, &page);
    buf_finish(&page.line);
}

static void write_constraints(const json_t *answer, struct text_page *page)
{
    size_t i;
    json_t *constraint;

    json_array_foreach (json_object_get(answer, "constraints"), i, constraint) {
        bounds_append_constraint(&page->line, constraint);
        end_line(page);
    }
}

static void write_reports(const json_t *answer, struct text_page *page)
{
    int64_t replaced = int_at(answer, "replaced", 0);
    int64_t ignored = int_at(answer, "ignored", 0);
    size_t i;
    json_t *note;

    if (replaced > 0 || ignored > 0) {
        buf_printf(&page->line,
                   "values reported again for a step: %" PRId64 " replaced, %" PRId64 " ignored",
                   replaced, ignored);
        end_line(page);
    }
    json_array_foreach (json_object_get(answer, "notes"), i, note) {
        write_note(note, "text", page);
    }
}

void explain_write(const json_t *answer,
                   const char *(*moment)(const char *moment, char text[TEXT_MOMENT_BYTES]),
                   struct buf *out)
{
    struct text_page page = {.out = out, .moment = moment};

    buf_init(&page.line, LINE_BYTES);
    bool is_failed = strcmp(text_at(answer, "state"), "failed") == 0;

    write_title(answer, &page);
    write_running(json_object_get(answer, "running"), &page);
    if (is_failed) { /* this is what is asked for */
        write_reports(answer, &page);
    }
    write_constraints(answer, &page);
    write_choice(answer, &page);
    write_schedule(json_object_get(answer, "schedule"), &page);
    if (!is_failed) {
        write_reports(answer, &page);
    }
    buf_finish(&page.line);
}

#include "server/report/definition.h"

#include <stdbool.h>
#include <string.h>

#include "common/json.h"
#include "server/report/html.h"
#include "server/report/section.h"

#define DEFINITION_MAX (512u << 10)

static void line_end(struct buf *out, size_t depth)
{
    buf_puts(out, "\n");
    for (size_t i = 0; i < depth; i++) {
        buf_puts(out, "  ");
    }
}

/* Returns the length of the string that begins at `json`, quotes included. */
static size_t string_length(const char *json)
{
    size_t len = 1;

    while (json[len] != '"' && json[len] != '\0') {
        len += json[len] == '\\' && json[len + 1] != '\0' ? 2 : 1;
    }
    return len + (json[len] == '"');
}

void json_indent(const char *json, size_t depth, struct buf *out)
{
    size_t level = 0;

    while (*json != '\0') {
        size_t n = *json == '"' ? string_length(json) : 1;
        bool opens = *json == '{' || *json == '[';
        bool is_empty = opens && (json[1] == '}' || json[1] == ']');
        bool closes = *json == '}' || *json == ']';
        if (closes && level-- <= depth && level < depth) {
            line_end(out, level);
        }
        buf_append(out, json, n);
        if (is_empty) {
            buf_putc(out, json[1]);
            n = 2;
        } else if (opens && ++level <= depth) {
            line_end(out, level);
        } else if (*json == ',' && level <= depth) {
            line_end(out, level);
        } else if (*json == ',' || *json == ':') {
            buf_putc(out, ' ');
        }
        json += n;
    }
}

void report_definition(const struct study_report *report, struct buf *out)
{
    OWN(buf) struct buf json;
    OWN(buf) struct buf text;
    struct json_writer w;

    buf_init(&json, DEFINITION_MAX);
    buf_init(&text, 2 * DEFINITION_MAX);
    json_writer_init(&w, &json);
    json_object_begin(&w);
    study_def_write_asked(report->def, &w);
    json_object_end(&w);
    json_indent(buf_text(&json), 2, &text);
    section_begin(out, "Run it again",
                  "Save this as <code>study.json</code>, then: "
                  "<code>hone study create NAME --file study.json</code>. With the seed and the "
                  "results in the same order, the same configurations are suggested.");
    if (json.failed && !json.no_memory) {
        buf_puts(out, "<p>The definition is too long for this page; "
                      "<code>hone study show NAME -o json</code> has it.</p>\n");
    } else {
        buf_puts(out, "<pre>");
        html_text(out, buf_text(&text));
        buf_puts(out, "</pre>\n");
    }
    buf_check_part(out, &json);
    buf_check_part(out, &text);
    section_end(out);
}

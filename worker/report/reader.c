#include "worker/report/reader.h"

#include <string.h>

#include "worker/report/blank.h"
#include "worker/report/escape.h"
#include "worker/report/find.h"
#include "worker/report/object.h"
#include "worker/report/pairs.h"
#include "worker/report/prefix.h"

void reader_init(struct reader *reader, const struct patterns *patterns, reader_hook *on_report,
                 void *context)
{
    reader->patterns = patterns;
    reader->on_report = on_report;
    reader->context = context;
    reader->has_step = false;
    reader->step_is_refused = false;
    reader->digits = 0;
    reader->resource = NULL;
}

/* ---- one report ---- */

/* False: the text is no report but a sentence. */
static bool read_text(struct metric_report *report, const char *text, size_t len)
{
    metric_report_begin(report);
    blank_trim(&text, &len);
    if (len > 0 && *text == '{') {
        object_read(report, text, len);
        return true;
    }
    return pairs_read(report, text, len);
}

bool report_read(struct metric_report *report, const char *text, size_t len)
{
    size_t prefix = sizeof REPORT_PREFIX - 1;

    blank_trim(&text, &len);
    if (len > prefix && memcmp(text, REPORT_PREFIX, prefix) == 0) { /* not needed, and no name */
        text += prefix;
        len -= prefix;
    }
    if (len == 0) {
        return false;
    }
    if (!read_text(report, text, len)) {
        metric_report_refuse(report, METRIC_FAULT_FORM,
                             "\"%.*s\" is neither NAME=NUMBER nor a JSON object",
                             (int)(len < 60 ? len : 60), text);
    }
    return true;
}

/* ---- the lines of output ---- */

struct line {
    const char *text;
    size_t len;
    bool is_cut;
};

/* Where the report has no step, it gets that of an earlier line; then it is in the study's unit. */
static void settle_step(const struct reader *reader, struct metric_report *report)
{
    bool steps = reader->patterns != NULL && patterns_find_step(reader->patterns);

    if (steps && !report->has_step && report->n > 0) {
        if (reader->has_step) {
            metric_report_set_step(report, reader->step);
        } else {
            metric_report_refuse(report, METRIC_FAULT_STEP, "it has no step, and %s",
                                 reader->step_is_refused
                                     ? "the last one that was printed cannot be read"
                                     : "no step was found before it");
        }
    }
    metric_report_settle(report, reader->digits, reader->resource);
}

static void deliver(struct reader *reader, const struct line *line)
{
    settle_step(reader, &reader->report);
    reader->on_report(reader->context, &reader->report, line->text, line->len);
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* Is the prefix within a quoted text of a program, as a traceback shows it, where values are still
 * to be filled in: print(f"hone: step={step} loss={loss:g}")? */
static bool is_source(const struct line *line, struct found found, size_t end)
{
    size_t quote = found.begin;

    while (quote > 0 && (line->text[quote - 1] == ' ' || line->text[quote - 1] == '\t')) {
        quote--;
    }
    if (quote == 0 || !is_one_of(line->text[quote - 1], "\"'`")) {
        return false;
    }
    for (size_t i = found.end; i + 1 < end && line->text[i] != line->text[quote - 1]; i++) {
        if (line->text[i] == '=' && is_one_of(line->text[i + 1], "{%$")) {
            return true;
        }
    }
    return false;
}

/* Reads each report that stands behind a prefix, from the first one on; false: there is none. */
static bool read_prefixed(struct reader *reader, const struct line *line, struct found found)
{
    struct metric_report *report = &reader->report;
    struct found next;
    bool any = false;

    for (bool more = true; more; found = next) {
        more = find_prefix(line->text, line->len, found.end, line->is_cut, &next);
        size_t end = more ? next.begin : line->len;
        bool is_report = !is_source(line, found, end)
                         && read_text(report, line->text + found.end, end - found.end);
        if (is_report && more && next.is_glued) {
            metric_report_refuse(report, METRIC_FAULT_FORM,
                                 "another report begins within it, as when two processes print at "
                                 "once");
            more = false;
        }
        if (is_report) {
            deliver(reader, line);
        }
        any = any || is_report;
    }
    return any;
}

static void find_step(struct reader *reader, const struct line *line)
{
    struct metric_report *report = &reader->report;

    metric_report_begin(report);
    if (!patterns_read_step(reader->patterns, line->text, line->len, report)) {
        return;
    }
    metric_report_settle(report, reader->digits, reader->resource);
    reader->has_step = report->has_step;
    reader->step = report->said;
    reader->step_is_refused = report->n_faults > 0;
    if (reader->step_is_refused) {
        reader->on_report(reader->context, report, line->text, line->len);
    }
}

static void match_line(struct reader *reader, const struct line *line)
{
    metric_report_begin(&reader->report);
    if (patterns_read(reader->patterns, line->text, line->len, &reader->report)) {
        deliver(reader, line);
    }
}

static void read_part(struct reader *reader, const struct line *line)
{
    struct found found;

    if (reader->patterns != NULL && patterns_find_step(reader->patterns)) {
        find_step(reader, line);
    }
    bool is_read = find_prefix(line->text, line->len, 0, line->is_cut, &found)
                   && read_prefixed(reader, line, found);
    if (!is_read && reader->patterns != NULL) {
        match_line(reader, line);
    }
}

void reader_line(struct reader *reader, char *line, size_t len, bool is_cut)
{
    len = escape_strip(line, len);
    for (size_t from = 0; from < len;) {
        const char *end = memchr(line + from, '\n', len - from);
        size_t part = end == NULL ? len - from : (size_t)(end - line) - from;
        struct line one = {.text = line + from, .len = part, .is_cut = is_cut && from == 0};
        if (part > 0) {
            read_part(reader, &one);
        }
        from += part + 1;
    }
}

bool reader_read(const struct reader *reader, struct metric_report *report, const char *line,
                 size_t len)
{
    if (!report_read(report, line, len)) {
        return false;
    }
    settle_step(reader, report);
    return true;
}

void reader_bare_line(struct reader *reader, const char *line, size_t len)
{
    if (reader_read(reader, &reader->report, line, len)) {
        reader->on_report(reader->context, &reader->report, line, len);
    }
}

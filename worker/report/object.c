#include "worker/report/object.h"

#include <string.h>

#include "worker/report/cursor.h"
#include "worker/report/number.h"
#include "worker/report/pairs.h"

#define DEPTH_MAX 64

static void refuse(struct metric_report *report, const struct cursor *c, const char *wanted)
{
    size_t left = c->len - c->at;

    metric_report_refuse(report, METRIC_FAULT_FORM, "the JSON cannot be read at \"%.*s\": %s",
                         (int)(left < 40 ? left : 40), c->text + c->at, wanted);
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* true, false, null, None: a word of letters. */
static size_t word_at(const struct cursor *c)
{
    size_t n = 0;

    while (c->at + n < c->len && is_word_char(c->text[c->at + n])) {
        n++;
    }
    return n;
}

/* Passes over a nested list or object; false: it does not end. */
static bool skip_nested(struct cursor *c)
{
    size_t depth = 0;

    while (!cursor_at_end(c)) {
        char here = cursor_char(c);
        struct quoted quoted;
        if (here == '"' || here == '\'') {
            if (!cursor_read_quoted(c, &quoted)) {
                return false;
            }
            continue;
        }
        depth += here == '{' || here == '[';
        depth -= here == '}' || here == ']';
        c->at++;
        if (depth == 0 || depth > DEPTH_MAX) {
            return depth == 0;
        }
    }
    return false;
}

static bool ends_value(const struct cursor *c, size_t at)
{
    char here = at < c->len ? c->text[at] : '\0';

    return here == ',' || here == '}' || blank_at(c->text + at, c->len - at) > 0;
}

static void take_number(struct metric_report *report, const struct quoted *name, double value)
{
    if (metric_name_is_step(name->text, name->len)) {
        metric_report_set_step(report, value);
    } else if (name->is_long) {
        metric_report_fault(report, METRIC_FAULT_NAME, "", 0,
                            "\"%.60s…\" is no metric name: it has " NAME_METRIC_RULE, name->text);
    } else {
        metric_report_add(report, name->text, name->len, value);
    }
}

static void take_other(struct metric_report *report, const struct quoted *name, const char *text,
                       size_t len)
{
    if (metric_name_is_step(name->text, name->len)) {
        metric_report_refuse(report, METRIC_FAULT_STEP,
                             "step: \"%.*s\" is no whole number from 0 on",
                             (int)(len < 60 ? len : 60), text);
    } else {
        metric_report_member(report, name->text, name->len, text, len);
    }
}

/* A text, a list or an object, or a word; false: it is none of them. */
static bool read_other(struct metric_report *report, struct cursor *c, const struct quoted *name)
{
    const char *begin = c->text + c->at;
    char here = cursor_char(c);
    struct quoted text;
    double value;

    if (here == '"' || here == '\'') {
        if (!cursor_read_quoted(c, &text)) {
            return false;
        }
        if (!text.is_long && number_read(text.text, text.len, &value)) {
            take_number(report, name, value);
        } else {
            take_other(report, name, text.text, text.len);
        }
        return true;
    }
    if (here == '{' || here == '[') {
        if (!skip_nested(c)) {
            return false;
        }
    } else {
        c->at += word_at(c);
    }
    size_t len = (size_t)(c->text + c->at - begin);
    if (len == 0 || !ends_value(c, c->at)) {
        return false;
    }
    take_other(report, name, begin, len);
    return true;
}

static bool read_value(struct metric_report *report, struct cursor *c, const struct quoted *name)
{
    double value = 0;
    size_t n = number_span(c->text + c->at, c->len - c->at, &value);

    if (n > 0 && ends_value(c, c->at + n)) {
        c->at += n;
        take_number(report, name, value);
        return true;
    }
    return read_other(report, c, name);
}

/* One member and the comma or brace behind it; false: refused, or the object has ended. */
static bool read_member(struct metric_report *report, struct cursor *c)
{
    struct quoted name;

    cursor_skip_blanks(c);
    if ((cursor_char(c) != '"' && cursor_char(c) != '\'') || !cursor_read_quoted(c, &name)) {
        refuse(report, c, "a name in quotes is wanted");
        return false;
    }
    cursor_skip_blanks(c);
    if (cursor_char(c) != ':') {
        refuse(report, c, "a colon is wanted");
        return false;
    }
    c->at++;
    cursor_skip_blanks(c);
    if (!read_value(report, c, &name)) {
        refuse(report, c, "a value is wanted");
        return false;
    }
    cursor_skip_blanks(c);
    char behind = cursor_char(c);
    if (behind != ',' && behind != '}') {
        refuse(report, c, "a comma or a brace is wanted");
        return false;
    }
    c->at++;
    return behind == ',';
}

void object_read(struct metric_report *report, const char *text, size_t len)
{
    struct cursor c = {.text = text, .len = len, .at = 1};

    cursor_skip_blanks(&c);
    if (cursor_char(&c) == '}') {
        c.at++;
    } else {
        while (read_member(report, &c)) {
        }
    }
    if (!report->refused
        && (memchr(text + c.at, '{', len - c.at) != NULL
            || pairs_stand_in(text + c.at, len - c.at))) {
        size_t left = len - c.at;
        metric_report_fault(report, METRIC_FAULT_REST, "", 0,
                            "\"%.*s\" behind the report is not read", (int)(left < 60 ? left : 60),
                            text + c.at);
    }
    metric_report_close(report);
}

#include "worker/report/object.h"

#include <ctype.h>
#include <string.h>

#include "worker/report/cursor.h"
#include "worker/report/number.h"
#include "worker/report/pairs.h"

#define DEPTH_MAX 64
#define SHOWN_BYTES 60 /* of a name or a value in a fault */

static void refuse(struct metric_report *report, const struct cursor *c, const char *wanted)
{
    size_t left = c->len - c->at;

    metric_report_refuse(report, METRIC_FAULT_FORM, "the JSON cannot be read at \"%.*s\": %s",
                         (int)(left < 40 ? left : 40), c->text + c->at, wanted);
}

static int shown(size_t len)
{
    return (int)(len < SHOWN_BYTES ? len : SHOWN_BYTES);
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'';
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

/* ---- values ---- */

struct member_value {
    bool is_number;
    double number;
    const char *text; /* of any other */
    size_t len;
    struct quoted quoted; /* where it was in quotes */
};

static bool scan_quoted(struct cursor *c, struct member_value *value)
{
    if (!cursor_read_quoted(c, &value->quoted)) {
        return false;
    }
    value->text = value->quoted.text;
    value->len = value->quoted.len;
    value->is_number =
        !value->quoted.is_long && number_read(value->text, value->len, &value->number);
    return true;
}

/* A list, an object or a word; false: it is none of them. */
static bool scan_other(struct cursor *c, struct member_value *value)
{
    char here = cursor_char(c);

    value->text = c->text + c->at;
    if (here != '{' && here != '[') {
        c->at += word_at(c);
    } else if (!skip_nested(c)) {
        return false;
    }
    value->len = (size_t)(c->text + c->at - value->text);
    return value->len > 0 && ends_value(c, c->at);
}

static bool scan_value(struct cursor *c, struct member_value *value)
{
    size_t n = number_span(c->text + c->at, c->len - c->at, &value->number);

    value->is_number = n > 0 && ends_value(c, c->at + n);
    if (value->is_number) {
        c->at += n;
        return true;
    }
    return is_quote(cursor_char(c)) ? scan_quoted(c, value) : scan_other(c, value);
}

/* ---- names ---- */

struct member_name {
    bool is_bad; /* it stands there as `text` and is no name in quotes */
    const char *text;
    size_t len;
    bool is_long;
    struct quoted quoted;
};

/* The bytes of a text in quotes with an escape that means nothing; 0: it does not end. */
static size_t unreadable_len(const struct cursor *c)
{
    char quote = cursor_char(c);

    for (size_t i = c->at + 1; i < c->len; i++) {
        if (c->text[i] == quote) {
            return i + 1 - c->at;
        }
        i += c->text[i] == '\\';
    }
    return 0;
}

/* The bytes of a name without quotes: a word, or digits behind a blank, for "0,5" is one number in
 * some languages. */
static size_t bare_len(const struct cursor *c)
{
    size_t n = 0;

    if (isdigit((unsigned char)cursor_char(c)) && c->text[c->at - 1] == ',') {
        return 0;
    }
    while (c->at + n < c->len
           && (isalnum((unsigned char)c->text[c->at + n]) || c->text[c->at + n] == '_')) {
        n++;
    }
    return n;
}

/* A name and the blanks behind it; false: nothing that could be one stands here. */
static bool read_name(struct cursor *c, struct member_name *name)
{
    bool quoted = is_quote(cursor_char(c));
    size_t begin = c->at;

    name->text = c->text + c->at;
    name->is_bad = !quoted || !cursor_read_quoted(c, &name->quoted);
    if (name->is_bad) {
        name->len = quoted ? unreadable_len(c) : bare_len(c);
        name->is_long = false;
        c->at += name->len;
    } else {
        name->text = name->quoted.text;
        name->len = name->quoted.len;
        name->is_long = name->quoted.is_long;
    }
    cursor_skip_blanks(c);
    return c->at > begin;
}

/* ---- members ---- */

static void take_number(struct metric_report *report, const struct member_name *name, double value)
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

static void take_other(struct metric_report *report, const struct member_name *name,
                       const char *text, size_t len)
{
    if (metric_name_is_step(name->text, name->len)) {
        metric_report_refuse(report, METRIC_FAULT_STEP, METRIC_STEP_IS_TEXT, shown(len), text);
    } else {
        metric_report_member(report, name->text, name->len, text, len);
    }
}

static void take_member(struct metric_report *report, const struct member_name *name,
                        const struct member_value *value)
{
    if (name->is_bad && metric_name_is_step(name->text, name->len)) {
        metric_report_refuse(report, METRIC_FAULT_STEP,
                             "the name step is not in quotes; in JSON it is \"step\"");
    } else if (name->is_bad) {
        metric_report_fault(report, METRIC_FAULT_NAME, "", 0,
                            "%.*s is no name in quotes, as JSON has it; it is left out, the others "
                            "count",
                            shown(name->len), name->text);
    } else if (value->is_number) {
        take_number(report, name, value->number);
    } else {
        take_other(report, name, value->text, value->len);
    }
}

/* One member and the comma or brace behind it; false: refused, or the object has ended. */
static bool read_member(struct metric_report *report, struct cursor *c)
{
    struct member_name name;
    struct member_value value;

    cursor_skip_blanks(c);
    struct cursor begin = *c;
    if (!read_name(c, &name) || (name.is_bad && cursor_char(c) != ':')) {
        refuse(report, &begin, "a name in quotes is wanted");
        return false;
    }
    if (cursor_char(c) != ':') {
        refuse(report, c, "a colon is wanted");
        return false;
    }
    c->at++;
    cursor_skip_blanks(c);
    if (!scan_value(c, &value)) {
        refuse(report, c, "a value is wanted");
        return false;
    }
    take_member(report, &name, &value);
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

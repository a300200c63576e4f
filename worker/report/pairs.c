#include "worker/report/pairs.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "common/utf8.h"
#include "worker/report/cursor.h"
#include "worker/report/number.h"

#define SHOWN_BYTES 60 /* of the text in a fault */

/* A name and the sign behind it. */
struct pair_name {
    struct quoted quoted; /* where it was in quotes */
    const char *text;     /* without quotes */
    size_t len;
    char sign;        /* '=' or ':' */
    bool is_operator; /* the name ends in what with the sign behind it means something else */
};

struct pairs {
    struct cursor c;
    struct metric_report *report;
    size_t n;          /* pairs read */
    bool has_equals;   /* one of them with '=' */
    bool closed;       /* something that was opened before the report has ended with a value */
    bool was_quoted;   /* and it is a text in quotes: what follows is the record of a logger */
    bool after_number; /* the last value was a number, and a blank follows */
    bool has_fraction; /* one of the values has one, as measurements have */
    bool prose;        /* the first pair is the beginning of a sentence */
};

static int shown(size_t len)
{
    return (int)(len < SHOWN_BYTES ? len : SHOWN_BYTES);
}

static bool is_in(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* ---- names ---- */

/* Blanks, then the sign of a pair; returns the bytes up to behind the sign, 0: there is none. */
static size_t sign_behind(const struct cursor *c, size_t at, char *sign)
{
    size_t blanks = blanks_at(c->text + at, c->len - at);
    char here = at + blanks < c->len ? c->text[at + blanks] : '\0';
    bool twice = at + blanks + 1 < c->len && c->text[at + blanks + 1] == here;

    if (twice || (here != '=' && here != ':')) {
        return 0;
    }
    *sign = here;
    return blanks + 1;
}

static size_t word_len(const struct cursor *c)
{
    size_t n = 0;

    while (c->at + n < c->len && !is_in(c->text[c->at + n], ",;=\"'")
           && blank_at(c->text + c->at + n, c->len - c->at - n) == 0) {
        n++;
    }
    return n;
}

/* `loss:0.31` in one word: the place of its colon; 0: it is something else. */
static size_t colon_within(const char *word, size_t len)
{
    const char *colon = memchr(word, ':', len);
    double value;

    if (colon == NULL || colon == word || !isalpha((unsigned char)word[0])
        || memchr(colon + 1, ':', len - (size_t)(colon - word) - 1) != NULL) {
        return 0;
    }
    size_t at = (size_t)(colon - word);
    return number_span(colon + 1, len - at - 1, &value) > 0 ? at : 0;
}

static bool read_bare_name(struct cursor *c, struct pair_name *name)
{
    size_t len = word_len(c);
    size_t sign;

    name->text = c->text + c->at;
    name->len = len;
    if (len == 0 || is_in(name->text[0], "([{<|")) {
        return false;
    }
    sign = sign_behind(c, c->at + len, &name->sign);
    if (sign > 0 && (name->sign == '=' || name->text[len - 1] != ':')) {
        c->at += len + sign;
        return true;
    }
    name->sign = ':';
    if (len > 1 && name->text[len - 1] == ':') {
        name->len = len - 1;
        c->at += len;
        return true;
    }
    size_t colon = colon_within(name->text, len);
    if (colon > 0) {
        name->len = colon;
        c->at += colon + 1;
    }
    return colon > 0;
}

/* `loss:=5` and `loss<=5` name no metric `loss:` or `loss<`. In quotes they do. */
static bool ends_in_operator(const struct pair_name *name)
{
    return name->len > 1 && is_in(name->text[name->len - 1], ":<>!~+-*/^&|");
}

static bool read_name(struct cursor *c, struct pair_name *name)
{
    struct cursor tried = *c;

    name->is_operator = false;
    if (cursor_char(c) != '"' && cursor_char(c) != '\'') {
        bool found = read_bare_name(c, name);
        name->is_operator = found && ends_in_operator(name);
        return found;
    }
    if (!cursor_read_quoted(&tried, &name->quoted) || name->quoted.is_long) {
        return false;
    }
    size_t sign = sign_behind(&tried, tried.at, &name->sign);
    if (sign == 0) {
        return false;
    }
    name->text = name->quoted.text;
    name->len = name->quoted.len;
    c->at = tried.at + sign;
    return true;
}

/* ---- values ---- */

/* What closes something that was opened before the report: brackets, quotes, frames, and the
 * escapes of a text that was printed with its quotes. */
static size_t closer_at(const struct cursor *c, size_t at)
{
    char here = at < c->len ? c->text[at] : '\0';
    char next = at + 1 < c->len ? c->text[at + 1] : '\0';
    uint32_t point = 0;
    size_t n = utf8_decode(c->text + at, c->len - at, &point);

    if (n > 1) {
        return point >= 0x2500 && point < 0x25a0 ? n : 0;
    }
    if (here == '\\') {
        return is_in(next, "nrt\"'") ? 2 : 0;
    }
    return is_in(here, ")]}>\"'") ? 1 : 0;
}

/* Does a number end at `at`? A comma before a digit does not end it: "0,5" is some language's
 * half, which must not become 0. */
static bool ends_number(struct pairs *p, size_t at)
{
    const struct cursor *c = &p->c;
    size_t closer;
    size_t behind = at;
    bool quoted = false;

    while ((closer = closer_at(c, behind)) > 0) {
        quoted = quoted || is_in(c->text[behind], "\"'\\");
        behind += closer;
    }
    if (behind < c->len && blank_at(c->text + behind, c->len - behind) == 0
        && !is_in(c->text[behind], ",;|")) {
        return false;
    }
    if (behind == at && behind + 1 < c->len && c->text[behind] == ','
        && isdigit((unsigned char)c->text[behind + 1])) {
        return false;
    }
    p->closed = behind > at;
    p->was_quoted = quoted;
    p->after_number = behind == at && behind < c->len && !is_in(c->text[behind], ",;|");
    p->c.at = behind;
    return true;
}

/* Not "step" without the sign either, for it is not said to be the step. */
static void refuse_operator(struct pairs *p, const struct pair_name *name)
{
    size_t n = name->len;

    while (n > 0 && is_in(name->text[n - 1], ":<>!~+-*/^&|")) {
        n--;
    }
    if (metric_name_is_step(name->text, n)) {
        metric_report_refuse(p->report, METRIC_FAULT_STEP, "\"%.*s%c\" is not step=NUMBER",
                             shown(name->len), name->text, name->sign);
    } else {
        metric_report_fault(p->report, METRIC_FAULT_NAME, name->text, n,
                            "\"%.*s%c\" is not NAME=NUMBER; a name that ends in \"%c\" is written "
                            "in quotes",
                            shown(name->len), name->text, name->sign, name->text[name->len - 1]);
    }
}

static void take_value(struct pairs *p, const struct pair_name *name, double value)
{
    p->has_fraction = p->has_fraction || value != floor(value);
    if (name->is_operator) {
        refuse_operator(p, name);
    } else if (metric_name_is_step(name->text, name->len)) {
        metric_report_set_step(p->report, value);
    } else {
        metric_report_add(p->report, name->text, name->len, value);
    }
}

static void take_text(struct pairs *p, const struct pair_name *name, const char *text, size_t len)
{
    if (memchr(text, '=', len) != NULL && memchr(text, '(', len) == NULL) {
        metric_report_refuse(p->report, METRIC_FAULT_FORM,
                             "\"%.*s\" stands where the number of %.*s should", shown(len), text,
                             shown(name->len), name->text);
    } else if (metric_name_is_step(name->text, name->len)) {
        metric_report_refuse(p->report, METRIC_FAULT_STEP, METRIC_STEP_IS_TEXT, shown(len), text);
    } else {
        metric_report_no_number(p->report, name->text, name->len, text, len);
    }
}

static void read_quoted_value(struct pairs *p, const struct pair_name *name)
{
    struct quoted quoted;
    double value;

    if (!cursor_read_quoted(&p->c, &quoted)) {
        metric_report_refuse(p->report, METRIC_FAULT_FORM, "a quote does not end: %.*s",
                             shown(p->c.len - p->c.at), p->c.text + p->c.at);
    } else if (!quoted.is_long && number_read(quoted.text, quoted.len, &value)) {
        take_value(p, name, value);
    } else {
        take_text(p, name, quoted.text, quoted.len);
    }
}

/* The bytes of a value that is no number, with the brackets and quotes in it; 0: they do not
 * end. */
static size_t other_value_len(const struct cursor *c)
{
    size_t depth = 0;
    size_t i = c->at;

    for (; i < c->len; i++) {
        char here = c->text[i];
        if (depth == 0 && (is_in(here, ",;") || blank_at(c->text + i, c->len - i) > 0)
            && !(here == ',' && i + 1 < c->len && isdigit((unsigned char)c->text[i + 1]))) {
            break;
        }
        if (is_in(here, "([{")) {
            depth++;
        } else if (depth > 0 && is_in(here, ")]}")) {
            depth--;
        }
    }
    return depth == 0 ? i - c->at : 0;
}

/* Is `warning: see page 3` a sentence and `loss: 31%` none? */
static bool is_sentence(const struct pairs *p, const struct pair_name *name, const char *text,
                        size_t len)
{
    double value;
    const char *bracket = memchr(text, '(', len);

    return p->n == 0 && name->sign == ':' && !metric_name_is_step(name->text, name->len)
           && number_span(text, len, &value) == 0 && bracket == NULL;
}

/* The bytes of blanks and a per cent sign; 0: there is none. */
static size_t percent_behind(const struct cursor *c, size_t at)
{
    size_t blanks = blanks_at(c->text + at, c->len - at);
    size_t sign = metric_percent_at(c->text + at + blanks, c->len - at - blanks);

    return sign > 0 ? blanks + sign : 0;
}

static void read_value(struct pairs *p, const struct pair_name *name)
{
    struct cursor *c = &p->c;
    double value = 0;

    cursor_skip_blanks(c);
    p->after_number = false;
    size_t n = number_span(c->text + c->at, c->len - c->at, &value);
    size_t percent = n > 0 ? percent_behind(c, c->at + n) : 0;
    if (percent > 0) {
        take_text(p, name, c->text + c->at, n + percent);
        c->at += n + percent;
        return;
    }
    if (n > 0 && ends_number(p, c->at + n)) {
        take_value(p, name, value);
        return;
    }
    if (cursor_char(c) == '"' || cursor_char(c) == '\'') {
        read_quoted_value(p, name);
        return;
    }
    size_t len = other_value_len(c);
    const char *text = c->text + c->at;
    if (is_sentence(p, name, text, len)) {
        p->prose = true;
    } else if (len == 0 && !cursor_at_end(c) && !is_in(cursor_char(c), ",;")) {
        metric_report_refuse(p->report, METRIC_FAULT_FORM, "a bracket does not end: %.*s",
                             shown(c->len - c->at), text);
    } else {
        take_text(p, name, text, len);
        c->at += len;
    }
}

/* ---- what stands behind the pairs ---- */

bool pairs_stand_in(const char *text, size_t len)
{
    double value;

    for (size_t i = 0; i + 1 < len; i++) {
        size_t at = i + 1 + blanks_at(text + i + 1, len - i - 1);
        if (text[i] == '=' && (i == 0 || text[i - 1] != '=')
            && number_span(text + at, len - at, &value) > 0) {
            return true;
        }
    }
    return false;
}

static bool begins_name(char c)
{
    return isalpha((unsigned char)c) || (unsigned char)c >= 0x80 || c == '_' || c == '"'
           || c == '\'';
}

/* "loss=1 000": is it thousand, or is it one? */
static bool is_second_number(const struct pairs *p, const char *rest, size_t len)
{
    double value;
    size_t n = 0;

    while (n < len && blank_at(rest + n, len - n) == 0 && !is_in(rest[n], ",;")) {
        n++;
    }
    return p->after_number && number_read(rest, n, &value);
}

static void judge_rest(struct pairs *p)
{
    const char *rest = p->c.text + p->c.at;
    size_t len = p->c.len - p->c.at;
    bool more = pairs_stand_in(rest, len);

    if (p->closed) {
        more = more && !p->was_quoted;
    } else if (is_second_number(p, rest, len)) {
        metric_report_refuse(p->report, METRIC_FAULT_FORM,
                             "another number follows a value: \"%.*s\"", shown(len), rest);
    } else if (more && len > 0 && begins_name(rest[0])) {
        metric_report_refuse(p->report, METRIC_FAULT_FORM,
                             "\"%.*s\" is not NAME=NUMBER; a name with blanks is written in quotes",
                             shown(len), rest);
    }
    if (more) {
        metric_report_fault(p->report, METRIC_FAULT_REST, "", 0,
                            "\"%.*s\" behind the report is not read", shown(len), rest);
    }
}

/* "val loss: 0.31" */
static bool fraction_stands_in(const char *text, size_t len)
{
    double value = 0;

    for (size_t i = 0; i + 1 < len; i++) {
        size_t at = i + 1 + blanks_at(text + i + 1, len - i - 1);
        if (text[i] == ':' && number_span(text + at, len - at, &value) > 0
            && value != floor(value)) {
            return true;
        }
    }
    return false;
}

/* No pair stands at the beginning. */
static bool judge_text(struct pairs *p)
{
    const char *text = p->c.text + p->c.at;
    size_t len = p->c.len - p->c.at;
    bool is_step = len > 4 && memcmp(text, "step", 4) == 0 && !isalnum((unsigned char)text[4])
                   && text[4] != '_';

    if (!is_step && !pairs_stand_in(text, len) && !fraction_stands_in(text, len)
        && memmem(text, len, "{\"", 2) == NULL) {
        return false;
    }
    metric_report_refuse(p->report, METRIC_FAULT_FORM,
                         "\"%.*s\" is not NAME=NUMBER; a name with blanks is written in quotes",
                         shown(len), text);
    return true;
}

/* Blanks, commas, semicolons, and a bar or dash that stands alone. */
static void skip_separators(struct pairs *p)
{
    struct cursor *c = &p->c;

    for (;;) {
        size_t blank = blank_at(c->text + c->at, c->len - c->at);
        char here = cursor_char(c);
        bool alone =
            is_in(here, "|-")
            && (c->at + 1 == c->len || blank_at(c->text + c->at + 1, c->len - c->at - 1) > 0);
        if (blank == 0 && !alone && !is_in(here, ",;")) {
            return;
        }
        p->after_number = p->after_number && blank > 0;
        c->at += blank > 0 ? blank : 1;
    }
}

bool pairs_read(struct metric_report *report, const char *text, size_t len)
{
    struct pairs p = {.c = {.text = text, .len = len}, .report = report};
    struct pair_name name;
    size_t start;

    for (skip_separators(&p); !cursor_at_end(&p.c) && !p.closed && !report->refused;
         skip_separators(&p)) {
        start = p.c.at;
        if (!read_name(&p.c, &name)) {
            break;
        }
        read_value(&p, &name);
        if (p.prose) {
            p.c.at = start;
            break;
        }
        p.n++;
        p.has_equals = p.has_equals || name.sign == '=';
    }
    if (p.n == 0) {
        return judge_text(&p);
    }
    if (p.n == 1 && !p.has_equals && !p.has_fraction && !cursor_at_end(&p.c) && !p.closed) {
        return judge_text(&p); /* "warning: 3 files" */
    }
    judge_rest(&p);
    metric_report_close(report);
    return true;
}

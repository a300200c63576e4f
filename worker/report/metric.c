#include "worker/report/metric.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PREFIX "hone:"
#define NUMBER_TEXT_BYTES 64

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && is_blank(**text)) {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 && is_blank((*text)[*len - 1])) {
        (*len)--;
    }
}

/* Only the first fault is kept. */
static void fault(struct metric_report *report, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void fault(struct metric_report *report, const char *fmt, ...)
{
    va_list args;

    if (report->fault[0] == '\0') {
        va_start(args, fmt);
        (void)vsnprintf(report->fault, sizeof report->fault, fmt, args);
        va_end(args);
    }
}

/* ---- numbers ---- */

/* strtod would also take hexadecimal, "nan(…)" and, under a locale, commas. */
static bool spells_decimal(const char *text)
{
    size_t digits = 0;
    const char *at = text + (*text == '+' || *text == '-');

    for (; isdigit((unsigned char)*at); at++) {
        digits++;
    }
    if (*at == '.') {
        for (at++; isdigit((unsigned char)*at); at++) {
            digits++;
        }
    }
    if (digits == 0) {
        return false;
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        if (!isdigit((unsigned char)*at)) {
            return false;
        }
        while (isdigit((unsigned char)*at)) {
            at++;
        }
    }
    return *at == '\0';
}

static bool spells_special(const char *text, double *value)
{
    bool negative = *text == '-';
    const char *word = text + (*text == '+' || *text == '-');

    if (strcasecmp(word, "nan") == 0) {
        *value = (double)NAN;
        return true;
    }
    if (strcasecmp(word, "inf") == 0 || strcasecmp(word, "infinity") == 0) {
        *value = negative ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    return false;
}

bool metric_number_read(const char *text, size_t len, double *value)
{
    char copy[NUMBER_TEXT_BYTES];

    if (len == 0 || len >= sizeof copy || memchr(text, '\0', len) != NULL) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (spells_special(copy, value)) {
        return true;
    }
    if (!spells_decimal(copy)) {
        return false;
    }
    *value = strtod(copy, NULL) + 0.0;
    return true;
}

/* ---- reports ---- */

void metric_report_set_step(struct metric_report *report, double step)
{
    if (!(step >= 0 && step <= (double)METRIC_STEP_MAX) || step != floor(step)) {
        fault(report, "step=%.17g: a step is a whole number from 0 on", step);
        return;
    }
    report->has_step = true;
    report->step = (int64_t)step;
}

void metric_report_add(struct metric_report *report, const char *name, size_t name_len,
                       double value)
{
    char copy[METRIC_NAME_BYTES + 1];
    size_t i = 0;

    if (name_len < sizeof copy) {
        memcpy(copy, name, name_len);
        copy[name_len] = '\0';
    }
    if (name_len >= sizeof copy || strlen(copy) != name_len || !name_is_metric(copy)) {
        fault(report, "\"%.*s\" is no metric name: it has " NAME_METRIC_RULE,
              (int)(name_len < 40 ? name_len : 40), name);
        return;
    }
    while (i < report->n && strcmp(report->items[i].metric, copy) != 0) {
        i++;
    }
    if (i == METRIC_REPORT_MAX) {
        fault(report, "more than %d metrics in one report", METRIC_REPORT_MAX);
        return;
    }
    memcpy(report->items[i].metric, copy, name_len + 1);
    report->items[i].value = value;
    report->n = i == report->n ? i + 1 : report->n;
}

static void read_pair(struct metric_report *report, const char *word, size_t len)
{
    const char *equals = memchr(word, '=', len);
    double value;

    if (equals == NULL || equals == word) {
        fault(report, "\"%.*s\" is not NAME=NUMBER", (int)(len < 60 ? len : 60), word);
        return;
    }
    size_t name_len = (size_t)(equals - word);
    size_t text_len = len - name_len - 1;
    if (!metric_number_read(equals + 1, text_len, &value)) {
        fault(report, "%.*s: \"%.*s\" is no number", (int)(name_len < 40 ? name_len : 40), word,
              (int)(text_len < 40 ? text_len : 40), equals + 1);
    } else if (name_len == 4 && memcmp(word, "step", 4) == 0) {
        metric_report_set_step(report, value);
    } else {
        metric_report_add(report, word, name_len, value);
    }
}

/* Blanks and semicolons separate, and so does a comma, unless a digit follows: "loss=0,5" is some
 * language's half, which must not become 0. */
static bool separates(const char *text, size_t i, size_t len)
{
    if (text[i] == ',') {
        return i + 1 == len || !isdigit((unsigned char)text[i + 1]);
    }
    return is_blank(text[i]) || text[i] == ';';
}

static void read_pairs(struct metric_report *report, const char *text, size_t len)
{
    size_t start = 0;

    for (size_t i = 0; i <= len; i++) {
        if (i == len || separates(text, i, len)) {
            if (i > start) {
                read_pair(report, text + start, i - start);
            }
            start = i + 1;
        }
    }
}

/* ---- JSON ---- */

static size_t word_at(const char *text, size_t len, const char *word)
{
    size_t n = strlen(word);

    return len >= n && memcmp(text, word, n) == 0 ? n : 0;
}

/* Many languages print NaN and Infinity into their JSON, which has none; a diverged run must not
 * lose its last report to that. Puts quotes around them outside of strings. */
static void quote_specials(struct buf *out, const char *text, size_t len)
{
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        size_t n = 0;
        if (!in_string) {
            n = word_at(text + i, len - i, "NaN");
            n = n > 0 ? n : word_at(text + i, len - i, "Infinity");
            n = n > 0 ? n : word_at(text + i, len - i, "-Infinity");
        }
        if (n > 0) {
            buf_putc(out, '"');
            buf_append(out, text + i, n);
            buf_putc(out, '"');
            i += n - 1;
            continue;
        }
        buf_putc(out, text[i]);
        if (in_string && text[i] == '\\' && i + 1 < len) {
            buf_putc(out, text[++i]);
        } else if (text[i] == '"') {
            in_string = !in_string;
        }
    }
}

static void read_members(struct metric_report *report, const json_t *object)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_unconst(object), name, value) {
        if (strcmp(name, "step") == 0 && json_is_number(value)) {
            metric_report_set_step(report, json_number_value(value));
        } else if (json_is_number_like(value) && strcmp(name, "step") != 0) {
            metric_report_add(report, name, strlen(name), json_number_like(value));
        } else {
            fault(report, "\"%.40s\" is no number", name);
        }
    }
}

static void read_json(struct metric_report *report, const char *text, size_t len)
{
    static const struct json_limits limits = {
        .bytes = 2 * METRIC_LINE_BYTES, .depth = 4, .values = 1024};
    OWN(buf) struct buf quoted;
    json_auto_t *value = NULL;
    struct err err = {0};

    buf_init(&quoted, limits.bytes);
    quote_specials(&quoted, text, len);
    if (buf_check(&quoted, &err) != 0
        || json_parse(buf_text(&quoted), quoted.len, &limits, &value, &err) != 0) {
        fault(report, "%.180s", err.text);
    } else if (!json_is_object(value)) {
        fault(report, "a report in JSON is an object");
    } else {
        read_members(report, value);
    }
}

bool metric_bare_read(const char *line, size_t len, struct metric_report *report)
{
    trim(&line, &len);
    if (len == 0) {
        return false;
    }
    report->has_step = false;
    report->step = 0;
    report->n = 0;
    report->fault[0] = '\0';
    if (len > METRIC_LINE_BYTES) {
        fault(report, "a report of more than %d bytes", METRIC_LINE_BYTES);
    } else if (*line == '{') {
        read_json(report, line, len);
    } else {
        read_pairs(report, line, len);
    }
    return true;
}

bool metric_line_read(const char *line, size_t len, struct metric_report *report)
{
    size_t prefix = sizeof PREFIX - 1;

    trim(&line, &len);
    if (len <= prefix || memcmp(line, PREFIX, prefix) != 0) {
        return false;
    }
    return metric_bare_read(line + prefix, len - prefix, report);
}

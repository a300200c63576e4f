#include "worker/report/metric.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/step.h"
#include "common/utf8.h"
#include "worker/report/blank.h"
#include "worker/report/number.h"

#define SHOWN_BYTES 60 /* of a name or a value in a fault */

void metric_report_begin(struct metric_report *report)
{
    report->has_step = false;
    report->said = 0;
    report->step = 0;
    report->n = 0;
    report->refused = false;
    report->n_faults = 0;
}

static int shown(size_t len)
{
    return (int)(len < SHOWN_BYTES ? len : SHOWN_BYTES);
}

/* ---- faults ---- */

static void fill_fault(struct metric_fault *fault, enum metric_fault_kind kind, const char *fmt,
                       va_list args)
{
    fault->kind = kind;
    fault->is_label = false;
    fault->metric[0] = '\0';
    (void)vsnprintf(fault->text, sizeof fault->text, fmt, args);
    fault->text[utf8_clean(fault->text, strlen(fault->text))] = '\0';
}

void metric_report_fault(struct metric_report *report, enum metric_fault_kind kind,
                         const char *name, size_t name_len, const char *fmt, ...)
{
    va_list args;

    if (report->refused || report->n_faults == METRIC_FAULTS_MAX) {
        return;
    }
    struct metric_fault *fault = &report->faults[report->n_faults++];
    va_start(args, fmt);
    fill_fault(fault, kind, fmt, args);
    va_end(args);
    name_len = name_len < METRIC_NAME_BYTES ? name_len : METRIC_NAME_BYTES;
    memcpy(fault->metric, name, name_len);
    fault->metric[name_len] = '\0';
}

void metric_report_refuse(struct metric_report *report, enum metric_fault_kind kind,
                          const char *fmt, ...)
{
    va_list args;

    if (report->refused) {
        return;
    }
    metric_report_begin(report);
    report->refused = true;
    report->n_faults = 1;
    va_start(args, fmt);
    fill_fault(&report->faults[0], kind, fmt, args);
    va_end(args);
}

/* A word without a digit, such as train, true or null. "tensor(0.3)" is none. */
static bool is_label(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (isdigit((unsigned char)text[i]) || text[i] == '(' || text[i] == '=') {
            return false;
        }
    }
    return len > 0 && (isalpha((unsigned char)text[0]) || (unsigned char)text[0] >= 0x80);
}

size_t metric_percent_at(const char *text, size_t len)
{
    static const char *const signs[] = {
        "%", "\xef\xbc\x85", "\xef\xb9\xaa", "\xe2\x80\xb0", "\xe2\x80\xb1", "\xd9\xaa"};

    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        size_t n = strlen(signs[i]);
        if (len >= n && memcmp(text, signs[i], n) == 0) {
            return n;
        }
    }
    return 0;
}

/* Is it a number with such a sign? */
static bool has_percent(const char *text, size_t len)
{
    double value;
    size_t n = number_span(text, len, &value);
    size_t blanks = n == 0 ? 0 : blanks_at(text + n, len - n);

    return n > 0 && metric_percent_at(text + n + blanks, len - n - blanks) > 0;
}

void metric_report_no_number(struct metric_report *report, const char *name, size_t name_len,
                             const char *text, size_t len)
{
    bool percent = has_percent(text, len);

    metric_report_fault(report, METRIC_FAULT_NUMBER, name, name_len,
                        "%.*s: \"%.*s\" is no number%s", shown(name_len), name, shown(len), text,
                        percent ? "; print it without the per cent sign, as the value that counts, "
                                  "or let an expression of your own (--metric) take it"
                                : "");
}

void metric_report_member(struct metric_report *report, const char *name, size_t name_len,
                          const char *text, size_t len)
{
    size_t before = report->n_faults;

    metric_report_no_number(report, name, name_len, text, len);
    if (report->n_faults > before) {
        report->faults[before].is_label = is_label(text, len);
    }
}

/* ---- values ---- */

static bool is_same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

bool metric_name_is_step(const char *name, size_t len)
{
    return len == 4 && memcmp(name, "step", 4) == 0;
}

void metric_report_set_step(struct metric_report *report, double said)
{
    char first[JSON_NUMBER_BYTES];
    char second[JSON_NUMBER_BYTES];

    if (!(said >= 0 && said <= (double)METRIC_STEP_MAX)) {
        metric_report_refuse(report, METRIC_FAULT_STEP,
                             "step=%s is no step, which is " METRIC_STEP_RULE,
                             json_format_number(said, first));
    } else if (report->has_step && !is_same(report->said, said)) {
        metric_report_refuse(report, METRIC_FAULT_STEP, "it has two steps, %s and %s",
                             json_format_number(report->said, first),
                             json_format_number(said, second));
    } else if (!report->refused) {
        report->has_step = true;
        report->said = said;
    }
}

static void refuse_fraction(struct metric_report *report, const char *resource)
{
    char said[JSON_NUMBER_BYTES];

    (void)json_format_number(report->said, said);
    if (resource == NULL || *resource == '\0') {
        metric_report_refuse(report, METRIC_FAULT_STEP,
                             "step=%s: this study counts whole steps; print whole steps", said);
        return;
    }
    metric_report_refuse(report, METRIC_FAULT_STEP,
                         "step=%s: this study counts whole steps; print such, or write --resource "
                         "%s=MIN..MAX:0.001, in a new study",
                         said, resource);
}

void metric_report_settle(struct metric_report *report, int digits, const char *resource)
{
    char said[JSON_NUMBER_BYTES];
    char most[STEP_BYTES];

    if (!report->has_step) {
        if (digits > 0 && report->n > 0) {
            metric_report_refuse(report, METRIC_FAULT_STEP,
                                 "it has no step, and in a study that counts fractions the next "
                                 "one is not known");
        }
    } else if (step_from_number(report->said, digits, &report->step)) {
        return;
    } else if (digits == 0) {
        refuse_fraction(report, resource);
    } else {
        (void)json_format_number(report->said, said);
        (void)step_format(step_most(digits), digits, most);
        metric_report_refuse(report, METRIC_FAULT_STEP, "step=%s: a step lies between 0 and %s",
                             said, most);
    }
}

static bool was_told_twice(const struct metric_report *report, const char *name)
{
    for (size_t i = 0; i < report->n_faults; i++) {
        if (report->faults[i].kind == METRIC_FAULT_TWICE
            && strcmp(report->faults[i].metric, name) == 0) {
            return true;
        }
    }
    return false;
}

static void take_away(struct metric_report *report, size_t i, double other)
{
    char first[JSON_NUMBER_BYTES];
    char second[JSON_NUMBER_BYTES];
    struct metric_value gone = report->items[i];

    if (report->n_faults == METRIC_FAULTS_MAX) {
        metric_report_refuse(report, METRIC_FAULT_TWICE, "%.*s has two values, %s and %s",
                             SHOWN_BYTES, gone.metric, json_format_number(gone.value, first),
                             json_format_number(other, second));
        return;
    }
    report->items[i] = report->items[--report->n];
    metric_report_fault(report, METRIC_FAULT_TWICE, gone.metric, strlen(gone.metric),
                        "%.*s has two values, %s and %s", SHOWN_BYTES, gone.metric,
                        json_format_number(gone.value, first), json_format_number(other, second));
}

static bool copy_name(const char *name, size_t name_len, char copy[METRIC_NAME_BYTES + 1])
{
    if (name_len > METRIC_NAME_BYTES || memchr(name, '\0', name_len) != NULL) {
        return false;
    }
    memcpy(copy, name, name_len);
    copy[name_len] = '\0';
    return name_is_metric(copy);
}

void metric_report_add(struct metric_report *report, const char *name, size_t name_len,
                       double value)
{
    char copy[METRIC_NAME_BYTES + 1];
    size_t i = 0;

    if (!copy_name(name, name_len, copy)) {
        metric_report_fault(report, METRIC_FAULT_NAME, name, 0,
                            "\"%.*s\" is no metric name: it has " NAME_METRIC_RULE, shown(name_len),
                            name);
        return;
    }
    while (i < report->n && strcmp(report->items[i].metric, copy) != 0) {
        i++;
    }
    if (report->refused || was_told_twice(report, copy)) {
        return;
    }
    if (i < report->n) {
        if (!is_same(report->items[i].value, value)) {
            take_away(report, i, value);
        }
    } else if (i == METRIC_REPORT_MAX) {
        metric_report_fault(report, METRIC_FAULT_LIMIT, copy, 0,
                            "more than %d metrics in one report; %.*s and those after it are "
                            "left out",
                            METRIC_REPORT_MAX, SHOWN_BYTES, copy);
    } else {
        memcpy(report->items[i].metric, copy, name_len + 1);
        report->items[i].value = value;
        report->n++;
    }
}

void metric_report_close(struct metric_report *report)
{
    if (report->n == 0 && report->n_faults == 0) {
        metric_report_refuse(report, METRIC_FAULT_FORM, "it names no metric");
    } else if (report->n == 0) {
        report->has_step = false;
        report->step = 0;
    }
}

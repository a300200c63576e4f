/* One report of a training program: a step, metrics, and what of it could not be read.
 *
 * A value is taken as it stands in the text or not at all: where a number, a name or a step is not
 * certain, there is a fault instead. Nothing here allocates. */
#ifndef WORKER_REPORT_METRIC_H
#define WORKER_REPORT_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/wire.h"

#define METRIC_LINE_BYTES 131072 /* of a line that is read whole, so of a report too */
#define METRIC_STEP_MAX (((int64_t)1 << 53) - 1)
#define METRIC_STEP_RULE "a number from 0 to 9007199254740991, which is 2^53 - 1"
#define METRIC_STEP_IS_TEXT "step: \"%.*s\" is no step, which is " METRIC_STEP_RULE
#define METRIC_REPORT_MAX                                                                          \
    512 /* names in one report; which of them a study keeps is decided later */
#define METRIC_FAULTS_MAX 8

enum metric_fault_kind {
    METRIC_FAULT_FORM,   /* it looks like a report and is none */
    METRIC_FAULT_STEP,   /* its step is no step */
    METRIC_FAULT_NUMBER, /* a value is no number */
    METRIC_FAULT_NAME,   /* a name is none of a metric */
    METRIC_FAULT_TWICE,  /* a metric has two values */
    METRIC_FAULT_REST,   /* more stands behind it, which is not read */
    METRIC_FAULT_LIMIT   /* too many metrics */
};

struct metric_fault {
    enum metric_fault_kind kind;
    bool is_label; /* a word or a truth value in JSON: likely no metric at all */
    char metric[METRIC_NAME_BYTES + 1]; /* "": it concerns the report */
    char text[240];
};

struct metric_report {
    bool has_step;
    double said;  /* the step as a number */
    int64_t step; /* in units of the study; after metric_report_settle() */
    size_t n;
    struct metric_value items[METRIC_REPORT_MAX]; /* distinct names */
    bool refused; /* nothing of it is used: it has one fault, no step and no item */
    size_t n_faults;
    struct metric_fault faults[METRIC_FAULTS_MAX]; /* the first ones */
};

void metric_report_begin(struct metric_report *report);

/* Adds one value, or a fault. The same value again changes nothing; another one for the same name
 * takes both away. */
void metric_report_add(struct metric_report *report, const char *name, size_t name_len,
                       double value);
/* Sets the step as it is said; refuses the report where it is none. */
void metric_report_set_step(struct metric_report *report, double said);
/* Sets the step to the nearest number of units of 10^-digits. Refuses the report where the study
 * counts whole steps and this is a fraction, or counts fractions and none is said: then the next
 * one is not known. `resource`: the name of what the study counts in steps; NULL or "": nothing. */
void metric_report_settle(struct metric_report *report, int digits, const char *resource);
/* Does the name stand for the step? */
bool metric_name_is_step(const char *name, size_t len);

/* Adds a fault about one metric, or about the report (`name_len` 0). */
void metric_report_fault(struct metric_report *report, enum metric_fault_kind kind,
                         const char *name, size_t name_len, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* The bytes of a per cent or per mille sign at the beginning of the text; 0: there is none.
 * "31 %" may mean 31 or 0.31, so it is no number. */
size_t metric_percent_at(const char *text, size_t len);
/* The metric's value is this text. */
void metric_report_no_number(struct metric_report *report, const char *name, size_t name_len,
                             const char *text, size_t len);
/* The same of a member of a JSON object, which may be there for another reader. */
void metric_report_member(struct metric_report *report, const char *name, size_t name_len,
                          const char *text, size_t len);
/* Takes everything out of the report but this fault. */
void metric_report_refuse(struct metric_report *report, enum metric_fault_kind kind,
                          const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Refuses a report that was read and names no metric. */
void metric_report_close(struct metric_report *report);

#endif

/* What a training program says about itself: `hone: step=4 loss=0.31`, `hone: {"step": 4, …}`, or
 * bare JSON objects on the metrics descriptor. Hostile input: lines are bounded, numbers are read
 * without a locale, and what cannot be read is a fault, never a guess. Nothing allocates but JSON.
 */
#ifndef WORKER_REPORT_METRIC_H
#define WORKER_REPORT_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/wire.h"

#define METRIC_LINE_BYTES 16384
#define METRIC_STEP_MAX (((int64_t)1 << 53) - 1)
#define METRIC_REPORT_MAX                                                                          \
    512 /* names in one report; which of them a study keeps is decided later */

struct metric_report {
    bool has_step;
    int64_t step;
    size_t n;
    struct metric_value items[METRIC_REPORT_MAX]; /* distinct names, the last value of each */
    char fault[200];                              /* "" or what of it could not be read, and why */
};

/* False: the line is no report. True: *report holds what could be read,
 * perhaps nothing, and the fault. */
bool metric_line_read(const char *line, size_t len, struct metric_report *report);

/* A line of the descriptor or of `hone report`: a JSON object, or key=value words, without the
 * prefix. Same result; an empty line is no report. */
bool metric_bare_read(const char *line, size_t len, struct metric_report *report);

/* "0.31", "-1e-3", "nan", "inf", "Infinity": a whole text that is one number. */
bool metric_number_read(const char *text, size_t len, double *value);

/* Adds one value to a report, or the fault; replaces a value already there. */
void metric_report_add(struct metric_report *report, const char *name, size_t name_len,
                       double value);
void metric_report_set_step(struct metric_report *report, double step);

#endif

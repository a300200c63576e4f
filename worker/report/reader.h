/* From the lines that a job prints to its reports: the one way of reading, for jobs under a study
 * and for `hone worker --try`.
 *
 * A line that holds `hone:` is read as a report; any other is given to the user's expressions. A
 * step that an expression of its own finds stands for the reports after it that have none. */
#ifndef WORKER_REPORT_READER_H
#define WORKER_REPORT_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/report/metric.h"
#include "worker/report/patterns.h"

/* A report and the line it was found in, for messages. */
typedef void reader_hook(void *context, const struct metric_report *report, const char *line,
                         size_t len);

struct reader {
    const struct patterns *patterns; /* borrowed; NULL: none */
    reader_hook *on_report;
    void *context;
    bool has_step;               /* by the step expression, on this line or an earlier one */
    bool step_is_refused;        /* the last one that it found cannot be read */
    double step;                 /* as said */
    int digits;                  /* of the study's steps; 0 unless set after reader_init() */
    const char *resource;        /* borrowed: its name; NULL or "": none */
    struct metric_report report; /* the one being read: too large to be made for each line */
};

void reader_init(struct reader *reader, const struct patterns *patterns, reader_hook *on_report,
                 void *context);
/* A line of output without its end; changed in place. `is_cut`: it had more before its first
 * byte. */
void reader_line(struct reader *reader, char *line, size_t len, bool is_cut);
/* A line of the metrics descriptor: a report without the prefix. */
void reader_bare_line(struct reader *reader, const char *line, size_t len);
/* Reads such a line and returns the report instead of telling it. False: the line is empty. */
bool reader_read(const struct reader *reader, struct metric_report *report, const char *line,
                 size_t len);

/* Reads a report that stands alone: a JSON object, or pairs. False: the text is empty. */
bool report_read(struct metric_report *report, const char *text, size_t len);

#endif

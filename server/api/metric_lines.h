/* Lines of the text format of Prometheus, version 0.0.4. All lines of one metric follow its head;
 * names are without the prefix "hone_", which is written here. Any thread. */
#ifndef SERVER_API_METRIC_LINES_H
#define SERVER_API_METRIC_LINES_H

#include "common/buf.h"
#include "common/histogram.h"

/* At most two labels; a name that is NULL ends them. Values are escaped when they are written. */
struct metric_labels {
    const char *names[2];
    const char *values[2];
};

/* Begins a metric. type: "counter", "gauge" or "histogram". */
void metric_head(struct buf *out, const char *name, const char *type, const char *help);
/* One line of it; labels NULL: none. */
void metric_line(struct buf *out, const char *name, const struct metric_labels *labels,
                 double value);
/* The lines of one histogram: its buckets, which add up, sum and count. */
void metric_histogram(struct buf *out, const char *name, const struct metric_labels *labels,
                      const struct histogram *histogram);
/* A metric of one line without labels, with its head. */
void metric_single(struct buf *out, const char *name, const char *type, const char *help,
                   double value);

#endif

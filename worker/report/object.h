/* `{"step": 4, "loss": 0.31}`: a report as a JSON object, or as Python prints a dictionary. */
#ifndef WORKER_REPORT_OBJECT_H
#define WORKER_REPORT_OBJECT_H

#include <stddef.h>

#include "worker/report/metric.h"

/* Reads the object at the beginning of the text, which is its brace, into *report, begun before;
 * what cannot be read whole is refused. Numbers are read as in pairs, in quotes too; members that
 * are no numbers are faults. */
void object_read(struct metric_report *report, const char *text, size_t len);

#endif

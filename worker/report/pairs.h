/* `step=4 loss=0.31, "val loss"=0.4; acc: 0.9`: names and numbers. */
#ifndef WORKER_REPORT_PAIRS_H
#define WORKER_REPORT_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/report/metric.h"

/* False: this is no report but a sentence. True: *report, begun before, holds what could be read,
 * and the faults. */
bool pairs_read(struct metric_report *report, const char *text, size_t len);

/* Does something like `=0.31` stand in the text? */
bool pairs_stand_in(const char *text, size_t len);

#endif

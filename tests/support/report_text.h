/* A report as one text: `4 loss=0.31 acc=NaN`, then `!` for each fault, or `(name)` for a value
 * that is likely no metric at all. */
#ifndef TESTS_SUPPORT_REPORT_TEXT_H
#define TESTS_SUPPORT_REPORT_TEXT_H

#include "worker/report/metric.h"

/* Valid until the next call. */
const char *report_text(const struct metric_report *report);

#endif

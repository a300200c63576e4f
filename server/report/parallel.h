/* Parallel coordinates: a line for each trial over the axes of its parameters. */
#ifndef SERVER_REPORT_PARALLEL_H
#define SERVER_REPORT_PARALLEL_H

#include "server/report/study_report.h"

/* Appends the section; nothing with fewer than two trials that have results. */
void report_parallel(const struct study_report *report, struct buf *out);

#endif

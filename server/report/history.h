/* The history of a study: every trial's value in the order in which they ended, and the best so
 * far. */
#ifndef SERVER_REPORT_HISTORY_H
#define SERVER_REPORT_HISTORY_H

#include "server/report/study_report.h"

/* Appends the section; nothing with several objectives. */
void report_history(const struct study_report *report, struct buf *out);

#endif

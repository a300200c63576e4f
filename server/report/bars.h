/* Importance of the parameters, as bars. */
#ifndef SERVER_REPORT_BARS_H
#define SERVER_REPORT_BARS_H

#include "server/report/study_report.h"

/* Appends the section; nothing where it was not computed. */
void report_importance(const struct study_report *report, struct buf *out);

#endif

/* Where the time of the study's workers went. */
#ifndef SERVER_REPORT_SPENT_H
#define SERVER_REPORT_SPENT_H

#include "server/report/study_report.h"

/* Appends the section; nothing where no attempt has taken time. */
void report_spent(const struct study_report *report, struct buf *out);

#endif

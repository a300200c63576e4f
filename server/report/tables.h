/* The tables of the page: brackets, failures by reason, the best trials. */
#ifndef SERVER_REPORT_TABLES_H
#define SERVER_REPORT_TABLES_H

#include "server/report/study_report.h"

/* Each appends its section; nothing where there is nothing to tell. */
void report_brackets(const struct study_report *report, struct buf *out);
void report_failures(const struct study_report *report, struct buf *out);
void report_trials(const struct study_report *report, struct buf *out);

#endif

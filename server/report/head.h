/* The head of the page: what the study is, how it was searched, on what it ran, and its best
 * configuration. */
#ifndef SERVER_REPORT_HEAD_H
#define SERVER_REPORT_HEAD_H

#include "server/report/study_report.h"

void report_head(const struct study_report *report, struct buf *out);
/* Appends the section; a sentence where no trial has a value. Nothing with several objectives. */
void report_best(const struct study_report *report, struct buf *out);

#endif

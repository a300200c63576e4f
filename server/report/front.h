/* The Pareto front of a study with several objectives. */
#ifndef SERVER_REPORT_FRONT_H
#define SERVER_REPORT_FRONT_H

#include "server/report/study_report.h"

/* Appends the section; nothing with one objective. */
void report_front(const struct study_report *report, struct buf *out);

#endif

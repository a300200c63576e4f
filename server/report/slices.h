/* The value of the objective against each parameter alone. */
#ifndef SERVER_REPORT_SLICES_H
#define SERVER_REPORT_SLICES_H

#include "server/report/study_report.h"

/* Appends the section; nothing with several objectives or without results. */
void report_slices(const struct study_report *report, struct buf *out);

#endif

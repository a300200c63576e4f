/* The page: its frame, its style, and the order of its sections. */
#ifndef SERVER_REPORT_PAGE_H
#define SERVER_REPORT_PAGE_H

#include "server/report/study_report.h"

/* Appends the whole page: one HTML document without script that needs nothing else. ERR_TOO_LARGE
 * and ERR_NOMEM from the buffer. */
MUST_USE int study_report_write(const struct study_report *report, struct buf *out,
                                struct err *err);

#endif

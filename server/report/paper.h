/* A study for a paper: a paragraph on methods, the expected best of n trials, the parameters with
 * their ranges and best values, what became of the trials, and what to cite. */
#ifndef SERVER_REPORT_PAPER_H
#define SERVER_REPORT_PAPER_H

#include "server/report/study_report.h"

/* Appends it as plain text, or as LaTeX that needs the package booktabs alone. ERR_TOO_LARGE and
 * ERR_NOMEM from the buffer. */
MUST_USE int study_paper_write(const struct study_report *report, bool is_latex, struct buf *out,
                               struct err *err);

#endif

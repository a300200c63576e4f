/* The sections of the page: each appends its heading and what stands below it. One that has nothing
 * to say appends nothing, or a sentence why. */
#ifndef SERVER_REPORT_SECTION_H
#define SERVER_REPORT_SECTION_H

#include "server/report/study_report.h"

/* Begins a section; `note` (may be NULL) stands below the heading, already escaped. */
void section_begin(struct buf *out, const char *title, const char *note);
void section_end(struct buf *out);

#endif

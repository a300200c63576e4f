/* The definition of the study, to run it again. */
#ifndef SERVER_REPORT_DEFINITION_H
#define SERVER_REPORT_DEFINITION_H

#include "server/report/study_report.h"

/* Appends the section. */
void report_definition(const struct study_report *report, struct buf *out);
/* Appends a JSON text with line ends and indents, for people; deeper than `depth` it stays on a
 * line. */
void json_indent(const char *json, size_t depth, struct buf *out);

#endif

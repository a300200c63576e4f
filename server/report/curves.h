/* Learning curves of the best trials. */
#ifndef SERVER_REPORT_CURVES_H
#define SERVER_REPORT_CURVES_H

#include "server/report/study_report.h"

#define REPORT_CURVES 50
#define REPORT_CURVE_POINTS 200 /* of one curve: the caller settles them so */

/* Appends the section; nothing where no trial has two measurements. */
void report_curves(const struct study_report *report, struct buf *out);

#endif

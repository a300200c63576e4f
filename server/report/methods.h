/* The paragraph on methods: what was searched and how, with which budget, seed and machines, and
 * what became of the trials. */
#ifndef SERVER_REPORT_METHODS_H
#define SERVER_REPORT_METHODS_H

#include "server/report/prose.h"
#include "server/report/study_report.h"

void paper_methods(const struct study_report *report, struct prose *prose);
/* The range of a parameter: "[0, 0.7]", "[1e-5, 0.1], log scale", "adam, sgd or lion". */
void paper_range(const struct param *param, struct prose *prose);

#endif

/* For which reasons trials failed or were infeasible, counted. */
#ifndef SERVER_REPORT_REASONS_H
#define SERVER_REPORT_REASONS_H

#include "server/report/study_report.h"

#define REASONS_MAX 20

struct reason_count {
    const struct shown_trial *first, *last; /* whose state and reason it is */
    int64_t n;
};

/* counts ← the reasons, the most frequent first; returns how many. *n_left ← the trials with
 * further reasons. */
size_t reasons_count(const struct study_report *report, struct reason_count counts[REASONS_MAX],
                     int64_t *n_left);
/* The reason of a trial that failed, or `otherwise`. */
const char *reason_text(const struct shown_trial *trial, const char *otherwise);

#endif

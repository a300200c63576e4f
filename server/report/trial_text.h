/* A trial as text for people: what is shown where the pointer is, and its values. */
#ifndef SERVER_REPORT_TRIAL_TEXT_H
#define SERVER_REPORT_TRIAL_TEXT_H

#include "server/report/axis.h"
#include "server/report/study_report.h"

/* "trial 12: loss 0.3142, completed, lr 0.001, units 64": not escaped. Appends. */
void trial_text(const struct study_report *report, const struct shown_trial *trial,
                struct buf *out);
/* "smaller is better" or "larger is better"; static text. */
const char *direction_text(enum direction direction);
/* Is there a finite value of the first objective? */
bool trial_has_value(const struct shown_trial *trial);
/* The values that pictures of these trials should show: those of results where at least half of the
 * trials have one, as what was stopped early may lie far off; else all. Room for n in `scratch`. */
void trial_range(const struct study_report *report, size_t n,
                 const struct shown_trial *const trials[], double scratch[],
                 struct axis_range *range);
/* Is it the value of a trial that counts as a result? Not of one that was stopped. */
bool trial_has_result(const struct study_report *report, const struct shown_trial *trial);

#endif

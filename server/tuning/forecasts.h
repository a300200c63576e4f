/* Forecasts of running trials (asha, predictive): requested, waited for, taken.
 *
 * A report that brings a trial to a level requests one, and the answer to the report waits: in
 * exact serving until the forecast is there, so that the order of commands alone decides; else for
 * the suggestion timeout at most, after which the job is answered `continue` and the decision comes
 * with a later report. The job trains on meanwhile in either case. The measurements are on disk
 * before: only the answer waits. */
#ifndef SERVER_TUNING_FORECASTS_H
#define SERVER_TUNING_FORECASTS_H

#include "server/tuning/internal.h"

/* Requests a forecast if the schedule needs one that was not requested yet. */
MUST_USE int forecast_request(const struct tuning *tuning, struct live_trial *trial,
                              struct err *err);
/* The same for every trial: after a start. */
MUST_USE int forecasts_request_all(struct tuning *tuning, struct err *err);
/* What the trial has measured at `step` has changed: a forecast that is requested upon it is
 * dropped. To be followed by forecast_request(). */
void forecast_forget(struct live_trial *trial, int64_t step);
/* The result has come: the schedule decides. */
MUST_USE int forecast_take(struct tuning *tuning, struct live_study *study,
                           const struct suggestion_job *job, struct err *err);
/* The answer to this report waits. */
MUST_USE int report_park(struct tuning *tuning, struct measure_command *command,
                         const struct live_trial *trial, struct err *err);
/* Answers the reports whose forecast has come, whose trial has ended, whose time is over; `all`:
 * every one. */
void reports_answer(struct tuning *tuning, bool all);
/* The reports of this group were rolled back. */
void reports_fail_group(struct tuning *tuning, const struct err *why);

#endif

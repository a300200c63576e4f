/* Outcome constraints in answers: which of them a trial violates and by how much, how many trials
 * of a study are feasible, and which bounded metric was never reported. */
#ifndef SERVER_API_BOUNDS_H
#define SERVER_API_BOUNDS_H

#include "common/json.h"
#include "server/api/read.h"
#include "server/store/store.h"

/* True, false, or null where it is not known; null without bounds. */
void bounds_write_feasible(const struct study_def *def, const struct trial_row *row,
                           struct json_writer *w);

/* Each of these writes members into the open object, and nothing for a study without bounds. */

/* "feasible", as above. */
void bounds_put_feasible(const struct study_def *def, const struct trial_row *row,
                         struct json_writer *w);
/* "constraints": each bound with the trial's value and by how much it is beyond the limit. */
void bounds_put_trial(const struct study_def *def, const struct trial_row *row,
                      struct json_writer *w);
/* "feasible_trials", of the completed ones, and "never_reported": the bounded metrics of which no
 * trial has reported a number, though one has ended with a value. */
void bounds_put_study(const struct study_def *def, const struct study_row *row,
                      struct json_writer *w);
/* "reported_metrics", where a bounded metric was never reported: the names of those that were, the
 * first REPORTED_MAX, as of the live view. */
#define REPORTED_MAX 20
void bounds_put_reported(const struct live_study_view *study, const struct study_row *row,
                         struct json_writer *w);
/* "nearest": of the completed trials, none of which is feasible, the one that violates least; null
 * where nothing is known of any. Reads all completed trials. ERR_NOMEM and errors of the store. */
MUST_USE int bounds_put_nearest(const struct read_request *read, struct json_writer *w,
                                struct err *err);

#endif

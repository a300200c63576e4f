/* What a study still may do. */
#ifndef SERVER_STATE_LIMITS_H
#define SERVER_STATE_LIMITS_H

#include "server/state/state.h"

/* May a new configuration be handed out? */
bool study_may_start(const struct state *state, const struct live_study *study);
/* May retries and promotions be handed out? */
bool study_may_go_on(const struct state *state, const struct live_study *study);
/* The limit that was reached; REASON_EXHAUSTED if none was. */
enum study_reason study_limit_reached(const struct state *state, const struct live_study *study);
/* What a schedule has to know of this moment. */
struct schedule_moment study_moment(const struct state *state, const struct live_study *study);

/* An objective was reported: the study is no longer one in which no trial had a value. */
void study_note_value(struct state *state, struct live_study *study, double value);
/* Notes that the target is reached, if this value is at least as good and its trial, whose bounded
 * metrics are given (NULL: none is known), is feasible. */
void study_check_target(struct live_study *study, double value, const double bounded[]);
/* Sets when the study is to be looked at without a command. ERR_NOMEM. */
MUST_USE int study_set_clock(struct state *state, struct live_study *study, struct err *err);

#endif

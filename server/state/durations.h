/* How long the trials of a study take: of the attempts that completed of late, in memory alone. */
#ifndef SERVER_STATE_DURATIONS_H
#define SERVER_STATE_DURATIONS_H

#include "server/state/state.h"

/* Notes how long an attempt took from its grant to its result, if it went as far as it was asked
 * to: it is `end` and has trained something. */
void durations_note(struct live_study *study, const struct attempt_row *attempt,
                    enum attempt_end end);

/* Returns the seconds that an attempt is expected to take: the median of those noted, per step
 * where the study has a resource and the attempt trains from `from` to `to`; at most the study's
 * trial_seconds. NaN: unknown. */
double durations_expected(const struct live_study *study, int64_t from, int64_t to);

#endif

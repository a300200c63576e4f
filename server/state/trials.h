/* The table of open trials, and the queues in which some of them wait to be handed out. */
#ifndef SERVER_STATE_TRIALS_H
#define SERVER_STATE_TRIALS_H

#include "server/state/state.h"

/* NULL: there is no open trial of this id. */
struct live_trial *trial_live(const struct state *state, int64_t id);

/* The newest values of the bounded metrics: of the attempt that is under way, or what the trial had
 * before; NaN where there is none (NULL: of all of them). */
void trial_newest_bounded(const struct live_trial *trial, const struct study_def *def,
                          double bounded[BOUNDS_MAX]);

/* Lets the schedule of a study with several objectives know how far these are beyond the bounds; to
 * be called before it is told a measurement of the trial. */
void trial_note_violation(const struct live_trial *trial);

/* Adds an open trial to its study's, in order of number (in constant time where its number is the
 * highest). Takes the row. ERR_NOMEM. */
MUST_USE int trial_enter(struct state *state, struct live_study *study, struct trial_row *row,
                         struct live_trial **trial, struct err *err);
/* Removes and frees it, with its lease. */
void trial_leave(struct state *state, struct live_trial *trial);

/* Adds the trial in the order of numbers, which a restart does not change; it waits in no other
 * queue. */
void trial_queue_put(struct trial_queue *queue, struct live_trial *trial);
/* Out of the queue in which it waits, if it waits in one. */
void trial_queue_remove(struct live_trial *trial);

#endif

/* How trials and leases change state: each rule is written once, here.
 *
 * trial_become() alone moves a trial between its states, lease_count() alone counts live leases,
 * and schedule_done() alone follows up what a schedule has decided. */
#ifndef SERVER_STATE_TRANSITION_H
#define SERVER_STATE_TRANSITION_H

#include "server/state/state.h"
#include "server/state/trial_reply.h"

/* Moves the trial: counts it, notes the study's best trial and failures in a row, appends the
 * event, writes the row (which is inserted if it was not yet). A final state gets `reason` (may be
 * NULL). ERR_WRONG_STATE for a move that does not exist; then nothing has changed. */
MUST_USE int trial_become(struct state *state, struct live_trial *trial, enum trial_state next,
                          const char *reason, struct err *err);
/* The best trial of a study is kept beside its counters: it becomes this one if this one is better,
 * counts among the best at all (study_best_level()). */
void study_consider_best(struct live_study *study, const struct trial_row *row);
/* Counts, for a study with outcome constraints, a trial that has just got this state. */
void study_count_feasible(struct live_study *study, const struct trial_row *row);
/* The trial gets its final state; schedule and suggester learn of it; it is freed. `reply` (may be
 * NULL) is filled. */
MUST_USE int trial_end(struct state *state, struct live_trial *trial, enum trial_state end,
                       const char *reason, struct trial_reply *reply, struct err *err);
/* The trial's attempt is over: brings it to where its schedule has it (retry, paused, final). */
MUST_USE int trial_follow(struct state *state, struct live_trial *trial, struct trial_reply *reply,
                          struct err *err);
/* A trial that has failed or was infeasible, for which schedule_may_retry() is true, is queued
 * again, with all the attempts and retries that its study allows; *trial ← it. It resumes from no
 * checkpoint. Takes the row. The caller recalls its measurements, and loads the suggester's history
 * again, in which it had failed. */
MUST_USE int trial_retry(struct state *state, struct live_study *study, struct trial_row *row,
                         struct live_trial **trial, struct err *err);
/* Returns what the schedule says about the trial at present. */
enum schedule_verdict trial_verdict(const struct live_trial *trial);

/* Adds n (1 or -1) to the live leases of the worker, the study and the server. */
void lease_count(struct state *state, const struct live_lease *lease, int n);
/* The attempt's row gets its end; the lease leaves, or stays for `abort`. */
MUST_USE int attempt_over(struct state *state, struct live_lease *lease, enum attempt_end end,
                          const char *reason, struct err *err);
/* An expired lease that no newer attempt has overtaken lives again: it is late, and its trial runs.
 * Does nothing to a live one. */
MUST_USE int lease_revive(struct state *state, struct live_lease *lease, struct err *err);

/* Called after each call of the schedule: stores its facts, checks the values among them against
 * the target, and brings every trial that they name, and that has no live lease, to its new state.
 */
MUST_USE int schedule_done(struct state *state, struct live_study *study,
                           const struct schedule_log *log, struct err *err);

#endif

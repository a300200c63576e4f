/* A schedule decides which trials get more resource and which stop. (What to try next is decided by
 * strategy/.)
 *
 * It is a state machine in the writer's memory, one for each study, and knows neither store nor
 * clock. Every change is a *fact* (`struct schedule_record`): trial 7 took a slot of bracket 2,
 * reported 0.3 at its rung, was promoted, lost. A call decides from the present state, applies its
 * facts, and appends them to the caller's `struct schedule_log`. The caller stores them in this
 * order, in the same transaction, and acts on them. schedule_load() applies stored facts without
 * deciding anything, so that the rows rebuild the same state, from which the same decisions follow.
 * To act on a log: every trial that it names and that has no live lease is brought in line with its
 * schedule_answer(); a trial with a live lease gets its answer with the next reply.
 *
 * What a trial does next is its *answer*, which may be requested again at any time:
 *   VERDICT_RUN       train until `until`; with its attempt over, it waits to be leased again
 *   VERDICT_PAUSE     it has reported at its rung and waits for the others: `paused`
 *   VERDICT_PRUNE     not worth more, or too late: `pruned`
 *   VERDICT_FAIL      its value at the rung is not finite: `failed`, reason `diverged`
 *   VERDICT_COMPLETE  it has reached the highest resource, or ended by itself: `completed`
 *
 * asha in mode "predictive" needs a forecast before it decides: schedule_needs_forecast() returns
 * for which trials, schedule_apply_forecast() applies it, and meanwhile the answer is VERDICT_RUN.
 *
 * Several objectives rank by non-dominated sorting, then by crowding distance, and trials within
 * the study's bounds before those that are not (cost_table.h).
 *
 * Values are passed as measured; the study's direction is taken into account here. Ties are won by
 * the earlier trial, failures rank last and are never promoted. Imported trials never enter.
 * Steps are in units of the study's resource (common/step.h). One thread at a time. A call that
 * fails (ERR_NOMEM) may have changed part of the state: destroy the schedule and rebuild it from
 * the rows. */
#ifndef SERVER_SCHEDULE_SCHEDULE_H
#define SERVER_SCHEDULE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/json.h"
#include "common/own.h"
#include "server/domain/study.h"
#include "server/domain/trial.h"
#include "server/schedule/choice.h"
#include "server/schedule/offer_types.h"
#include "server/schedule/record.h"

struct schedule;

/* ---- creation -------------------------------------------------------------------------------- */

/* The study must have passed schedule_check() and outlive the schedule. */
MUST_USE int schedule_create(const struct study_def *study, struct schedule **schedule,
                             struct err *err);
void schedule_destroy(struct schedule *schedule);
OWN_POINTER(schedule)

/* ---- facts ----------------------------------------------------------------------------------- */

/* Whether the study has facts: not without a schedule and a stopping rule. */
bool schedule_has_facts(const struct schedule *schedule);

/* After a start: every stored fact in order, then what is not a fact: */
MUST_USE int schedule_load(struct schedule *schedule, const struct schedule_record *record,
                           struct err *err);
/* … each measurement of an objective, steps rising within a trial and an objective, of every trial
 * that is not final (of every trial at all where schedule_wants_curves()); the oldest attempt's
 * value where several measured the same step … */
MUST_USE int schedule_recall(struct schedule *schedule, int64_t trial, size_t objective,
                             int64_t step, double value, struct err *err);
bool schedule_wants_curves(const struct schedule *schedule);
/* Before and after many facts are loaded, nothing else being done between: with several objectives
 * a rung is then sorted once, not with every value. ERR_NOMEM. */
void schedule_load_begin(struct schedule *schedule);
MUST_USE int schedule_load_end(struct schedule *schedule, struct err *err);
/* Several objectives and outcome constraints: the study_violation() of what the trial has measured
 * last, for the measurements that are recalled or made from now on. Infinite until it is noted. */
void schedule_note_violation(struct schedule *schedule, int64_t trial, double violation);
/* Whether a measurement of the trial at the step, or behind it, is whole: false where values of
 * some of several objectives are missing and the trial is still to be ranked. */
bool schedule_is_whole(const struct schedule *schedule, int64_t trial, int64_t step);
/* Throws away what such a schedule keeps of the trial's curve. */
void schedule_forget_curve(struct schedule *schedule, int64_t trial);
/* … and each live lease: its attempt was granted to train to `to`. Called also whenever a retry is
 * leased (schedule_take() includes it). */
void schedule_hold(struct schedule *schedule, int64_t trial, int64_t to);

/* ---- the life of a trial --------------------------------------------------------------------- */

enum schedule_verdict {
    VERDICT_RUN,
    VERDICT_PAUSE,
    VERDICT_PRUNE,
    VERDICT_FAIL,
    VERDICT_COMPLETE,
    VERDICT_COUNT
};

struct schedule_answer {
    enum schedule_verdict verdict;
    bool has_until; /* the study has a resource */
    int64_t until;  /* VERDICT_RUN: the trial's present goal; else its last one */
};

/* *offer ← what is leased next. Retries of lost attempts are not offered: they keep their slots,
 * and schedule_answer() has their `until`. Changes nothing. */
void schedule_offer(const struct schedule *schedule, const struct schedule_moment *moment,
                    struct schedule_offer *offer);
/* The offer was taken by trial number `trial`, which now has a live lease. ERR_NOMEM. */
MUST_USE int schedule_take(struct schedule *schedule, const struct schedule_moment *moment,
                           const struct schedule_offer *offer, int64_t trial,
                           struct schedule_log *log, struct err *err);

/* A measurement of an objective by the trial's live lease, steps in rising order. With several
 * objectives a step counts once all of them are known at it, whichever comes last. At or past the
 * rung the decision falls: the value is the last one at or before the rung's level (the first one
 * past it if there is none). What lies past the rung is kept for later rungs. */
MUST_USE int schedule_measure(struct schedule *schedule, const struct schedule_moment *moment,
                              int64_t trial, size_t objective, int64_t step, double value,
                              struct schedule_log *log, struct schedule_answer *answer,
                              struct err *err);

/* Whether a measurement may still be replaced: no value at a rung, no forecast and no stop rests on
 * it, and no other trial was compared with it. */
bool schedule_may_replace(const struct schedule *schedule, int64_t trial, int64_t step);
/* The value of a step has been replaced where that may be; a stopping rule is applied again. Where
 * schedule_wants_curves(), schedule_forget_curve() and a recall of the trial's measurements come
 * before. ERR_NOMEM. */
MUST_USE int schedule_replace(struct schedule *schedule, const struct schedule_moment *moment,
                              int64_t trial, size_t objective, int64_t step, double value,
                              struct schedule_log *log, struct err *err);

/* A result `completed` at `step`; its own value, if it brought one, was measured before. The lease
 * is over. A trial that stops short of the goal it was leased for has ended by itself. */
MUST_USE int schedule_finish(struct schedule *schedule, const struct schedule_moment *moment,
                             int64_t trial, int64_t step, struct schedule_log *log,
                             struct schedule_answer *answer, struct err *err);

/* The trial has ended for good without going on: FACT_FAIL, FACT_CANCEL, FACT_DROP. Its slot is
 * given up, a value that it has at its rung still counts in the ranking. Harmless for an unknown
 * trial. */
MUST_USE int schedule_end(struct schedule *schedule, const struct schedule_moment *moment,
                          int64_t trial, enum schedule_fact how, struct schedule_log *log,
                          struct err *err);

/* Whether a trial that has failed may be tried again: it had no value at its rung yet, and its
 * bracket is not done. True for a trial that is not scheduled. */
bool schedule_may_retry(const struct schedule *schedule, int64_t trial);
/* A trial for which schedule_may_retry() is true is tried again, in the slot that it had given up.
 * To be followed by schedule_recall() of its measurements. ERR_NOMEM. */
MUST_USE int schedule_retry(struct schedule *schedule, const struct schedule_moment *moment,
                            int64_t trial, struct schedule_log *log, struct err *err);

/* The attempt is over and the trial is not: lost, preempted, released, paused. */
void schedule_release(struct schedule *schedule, int64_t trial);

/* No new configurations will come (`limits.trials`, an exhausted search): brackets shrink to what
 * has started. May be repeated; a bracket opened later is not concerned. */
MUST_USE int schedule_seal(struct schedule *schedule, const struct schedule_moment *moment,
                           struct schedule_log *log, struct err *err);

/* Closes rungs whose stragglers have had their time; only where `quorum` is set. *next_ms: when to
 * call again, INT64_MAX: no need. */
MUST_USE int schedule_tick(struct schedule *schedule, const struct schedule_moment *moment,
                           struct schedule_log *log, int64_t *next_ms, struct err *err);

/* ---- asha, mode "predictive" ----------------------------------------------------------------- */

/* Whether the trial has a value at a level, *level, without a forecast. */
bool schedule_needs_forecast(const struct schedule *schedule, int64_t trial, int64_t *level);

/* Applies the forecast of a trial's value at `level`. The trial continues exactly while its
 * probability is at least `delta`; without a known forecast, while fewer than max(1, ⌊n/eta⌋) of
 * the n values there are as good. A forecast that comes too late (the trial is past that level, or
 * out) has no effect. ERR_NOMEM. */
MUST_USE int schedule_apply_forecast(struct schedule *schedule,
                                     const struct schedule_moment *moment, int64_t trial,
                                     int64_t level, const struct schedule_forecast *forecast,
                                     struct schedule_log *log, struct err *err);

/* The trial's present answer; VERDICT_RUN with its goal for a trial that is not scheduled. */
struct schedule_answer schedule_answer(const struct schedule *schedule, int64_t trial);

/* ---- explanations -----------------------------------------------------------------------------
 */

/* Writes members of the open object: every bracket with its rungs, their entries, what each rung
 * waits for and since when, what happens next as the study is in this state (a bracket in which
 * nothing does is done), and the cost of training every trial in full. At
 * most SCHEDULE_VIEW_BRACKETS brackets (the newest, and all open ones) and _ENTRIES entries of a
 * rung. Out of memory it writes nothing, and the buffer has failed. `note` adds members about a
 * trial that is waited for; NULL: none are known. */
struct schedule_note {
    void (*write)(const void *context, int64_t trial, struct json_writer *w);
    const void *context;
};
#define SCHEDULE_VIEW_BRACKETS 50
#define SCHEDULE_VIEW_ENTRIES 100
void schedule_write_brackets(const struct schedule *schedule, enum study_state study,
                             int64_t now_ms, const struct schedule_note *note,
                             struct json_writer *w);

/* Members of the open object: what was decided about the trial, with rank, cut-off and rivals at
 * that moment, and what it is waiting for. Replays the study's facts. ERR_NOT_FOUND: no fact names
 * the trial. */
MUST_USE int schedule_write_explanation(const struct study_def *study, size_t n,
                                        const struct schedule_record records[], int64_t trial,
                                        struct json_writer *w, struct err *err);

#endif

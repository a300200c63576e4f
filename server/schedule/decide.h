/* Decisions: what follows from a value, a forecast or time. Each decision is a fact, which is
 * applied and appended to the caller's log. */
#ifndef SERVER_SCHEDULE_DECIDE_H
#define SERVER_SCHEDULE_DECIDE_H

#include "server/schedule/state.h"

/* One call into a schedule. */
struct schedule_call {
    struct schedule *schedule;
    const struct schedule_moment *moment;
    struct schedule_log *log;
};

/* Begins the call: the next fact is its first one. `trial`: whose call it is, 0: of none. */
void call_begin(const struct schedule_call *call, enum schedule_call_kind kind, int64_t trial,
                int64_t step);
/* Applies a fact and appends it to the log. ERR_NOMEM. */
MUST_USE int call_record(const struct schedule_call *call, const struct schedule_record *record,
                         struct err *err);
/* The same for a fact about one trial, in its bracket. */
MUST_USE int call_record_trial(const struct schedule_call *call, int64_t trial,
                               enum schedule_fact fact, int64_t step, double value,
                               struct err *err);
/* Enters the trial's value at its rung, and decides about it. */
MUST_USE int call_enter_rung(const struct schedule_call *call, int64_t trial, struct err *err);
/* Enters every rung at which the trial's value is known. */
MUST_USE int call_enter_known_rungs(const struct schedule_call *call, int64_t trial,
                                    struct err *err);
/* Stops the trial if the stopping rule says so after its newest measurement; `is_first_check`: of
 * the threshold rule. */
MUST_USE int call_apply_stopping_rule(const struct schedule_call *call, int64_t trial,
                                      struct measured_point newest, bool is_first_check,
                                      struct err *err);
/* Makes every decision in a bracket that is possible after a new fact. */
MUST_USE int call_conclude(const struct schedule_call *call, const struct bracket *bracket,
                           struct err *err);
/* The same in the trial's bracket. */
MUST_USE int call_conclude_around(const struct schedule_call *call, int64_t trial, struct err *err);
/* Drops the stragglers of a rung; *next_ms ← when the next one is due, if earlier. */
MUST_USE int call_drop_stragglers(const struct schedule_call *call, const struct bracket *bracket,
                                  size_t rung, int64_t *next_ms, struct err *err);

#endif

#include "server/schedule/decide.h"

#include <math.h>
#include <stdlib.h>

#include "common/array.h"

void call_begin(const struct schedule_call *call, enum schedule_call_kind kind, int64_t trial,
                int64_t step)
{
    const struct rung_entry *entry = schedule_entry(call->schedule, trial);
    const struct schedule_moment *moment = call->moment;

    call->log->call = (struct schedule_origin){
        .code = (unsigned)kind | (moment->may_start ? CALL_MAY_START : 0)
                | (moment->may_promote ? CALL_MAY_PROMOTE : 0)
                | (entry != NULL && entry->held ? CALL_HELD : 0),
        .step = step,
        .reached = entry == NULL ? -1 : entry_reach(entry),
    };
}

int call_record(const struct schedule_call *call, const struct schedule_record *record,
                struct err *err)
{
    struct schedule_log *log = call->log;

    TRY(array_reserve(&log->items, log->n, &log->cap, sizeof *log->items, err));
    TRY(schedule_apply(call->schedule, record, err));
    log->items[log->n] = *record;
    log->items[log->n++].call = log->call;
    log->call = (struct schedule_origin){0};
    return 0;
}

int call_record_trial(const struct schedule_call *call, int64_t trial, enum schedule_fact fact,
                      int64_t step, double value, struct err *err)
{
    const struct schedule_record record = {
        .fact = fact,
        .trial = trial,
        .bracket = schedule_entry(call->schedule, trial)->bracket,
        .step = step,
        .value = value,
        .at_ms = call->moment->now_ms,
    };

    return call_record(call, &record, err);
}

/* ---- rungs ----------------------------------------------------------------------------------- */
/* Whether the trial's value at its rung is known without further training. */
static bool has_rung_value(const struct schedule *schedule, const struct rung_entry *entry)
{
    return entry->is_short || entry->n_ahead > 0
           || entry->last.step >= schedule_rung_of(schedule, entry)->level;
}

static enum decision decision_for(const struct schedule *schedule, int64_t trial, bool arriving)
{
    const struct rung_entry *entry = schedule_entry(schedule, trial);

    return schedule->kind->decide(schedule, schedule->brackets[entry->bracket], entry->rung,
                                  entry->cost, trial, arriving);
}

/* The value at the rung: the last one at or before its level, else the first one past it; NaN:
 * nothing was measured. */
static struct measured_point value_at_rung(const struct rung_entry *entry, int64_t level)
{
    if (entry->last.step >= 0) {
        return entry->last;
    }
    if (entry->n_ahead > 0) {
        return entry->ahead[0];
    }
    return (struct measured_point){.step = level, .cost = (double)NAN};
}

/* Several objectives: the values of the others come first. */
static int record_others(const struct schedule_call *call, int64_t trial,
                         const struct measured_point *point, struct err *err)
{
    const struct schedule *schedule = call->schedule;

    for (size_t k = 1; schedule->costs.m > 1 && k < schedule->costs.width; k++) {
        double cost =
            isnan(point->cost) ? (double)NAN : cost_table_row(&schedule->costs, point->row)[k];
        TRY(call_record_trial(call, trial, FACT_OBJECTIVE, (int64_t)k,
                              schedule_part_cost(schedule, k, cost), err));
    }
    return 0;
}

int call_enter_rung(const struct schedule_call *call, int64_t trial, struct err *err)
{
    const struct schedule *schedule = call->schedule;
    const struct rung_entry *entry = schedule_entry(schedule, trial);
    const struct bracket *bracket = schedule->brackets[entry->bracket];
    int64_t level = schedule_rung_of(schedule, entry)->level;
    struct measured_point point = value_at_rung(entry, level);

    TRY(record_others(call, trial, &point, err));
    TRY(call_record_trial(call, trial, FACT_VALUE, point.step, schedule_cost(schedule, point.cost),
                          err));
    if (entry->rung == schedule->cap && schedule->kind->unlocks(schedule, bracket)) {
        TRY(call_record_trial(call, trial, FACT_UNLOCK, level, (double)NAN, err));
    }
    if (entry->state != ENTRY_WAITING) {
        return 0;
    }
    enum decision decision = decision_for(schedule, trial, true);
    if (decision == DECISION_STOP) {
        return call_record_trial(call, trial, FACT_LOSE, level, (double)NAN, err);
    }
    bool can_go =
        bracket_needs_no_lease(bracket, entry) || (entry->held && call->moment->may_promote);
    if (decision == DECISION_PROMOTE && can_go) {
        return call_record_trial(call, trial, FACT_PROMOTE, bracket->rungs[entry->rung + 1].level,
                                 (double)NAN, err);
    }
    return 0;
}

int call_enter_known_rungs(const struct schedule_call *call, int64_t trial, struct err *err)
{
    const struct schedule *schedule = call->schedule;
    const struct rung_entry *entry = schedule_entry(schedule, trial);

    while (entry->state == ENTRY_RUNNING && has_rung_value(schedule, entry)) {
        TRY(call_enter_rung(call, trial, err));
    }
    return 0;
}

/* Stops the trials that can no longer be among the best of a sized rung. */
static int drop_losers(const struct schedule_call *call, const struct rung *rung, struct err *err)
{
    while (rung->size > 0 && rung->waiting.n > 0) {
        int64_t worst = ranking_at(&rung->waiting, rung->waiting.n - 1).trial;
        if (decision_for(call->schedule, worst, false) != DECISION_STOP) {
            break;
        }
        TRY(call_record_trial(call, worst, FACT_LOSE, rung->level, (double)NAN, err));
    }
    return 0;
}

/* A trial that can be promoted without a lease; 0: none. Where ranks decide, the search ends at the
 * first trial that cannot be promoted. */
static int64_t find_promotable_without_lease(const struct schedule *schedule,
                                             const struct bracket *bracket, const struct rung *rung)
{
    for (size_t k = 0; rung->n_without_lease > 0 && k < rung->waiting.n; k++) {
        int64_t trial = ranking_at(&rung->waiting, k).trial;
        if (decision_for(schedule, trial, false) != DECISION_PROMOTE) {
            if (schedule_is_predictive(schedule)) {
                continue;
            }
            break;
        }
        if (bracket_needs_no_lease(bracket, schedule_entry(schedule, trial))) {
            return trial;
        }
    }
    return 0;
}

int call_conclude(const struct schedule_call *call, const struct bracket *bracket, struct err *err)
{
    const struct schedule *schedule = call->schedule;
    bool changed = true;

    while (changed) {
        changed = false;
        for (size_t i = 0; i + 1 < bracket->n_rungs; i++) {
            const struct rung *rung = &bracket->rungs[i];
            TRY(drop_losers(call, rung, err));
            int64_t trial = find_promotable_without_lease(schedule, bracket, rung);
            if (trial != 0) {
                TRY(call_record_trial(call, trial, FACT_PROMOTE, bracket->rungs[i + 1].level,
                                      (double)NAN, err));
                TRY(call_enter_known_rungs(call, trial, err));
                changed = true;
            }
        }
    }
    return 0;
}

int call_conclude_around(const struct schedule_call *call, int64_t trial, struct err *err)
{
    const struct schedule *schedule = call->schedule;
    int bracket = schedule_entry(schedule, trial)->bracket;

    return call_conclude(call, schedule->brackets[bracket], err);
}

/* ---- the stopping rule ----------------------------------------------------------------------- */
int call_apply_stopping_rule(const struct schedule_call *call, int64_t trial,
                             struct measured_point newest, bool is_first_check, struct err *err)
{
    const struct schedule *schedule = call->schedule;
    const struct stopping *stopping = &schedule->stopping;
    const struct rung_entry *entry = schedule_entry(schedule, trial);
    double median = (double)NAN;

    if (schedule->study->has_resource && newest.step >= schedule->study->resource_max) {
        return 0; /* it is complete */
    }
    if (stopping->rule == STOPPING_MEDIAN
        && median_stops(stopping, entry->average, newest.step, newest.cost, &median)) {
        return call_record_trial(call, trial, FACT_MEDIAN, newest.step,
                                 schedule_cost(schedule, median), err);
    }
    if (stopping->rule == STOPPING_THRESHOLD && is_first_check && entry->checked_step >= 0
        && !(newest.cost <= stopping->cost)) {
        return call_record_trial(call, trial, FACT_THRESHOLD, newest.step,
                                 schedule_cost(schedule, stopping->cost), err);
    }
    return 0;
}

/* ---- stragglers ------------------------------------------------------------------------------ */

/* How long an outstanding trial of the rung may take: twice the 90th percentile of those that
 * reported, once a quorum has; INT64_MAX before. */
static int64_t straggler_limit_ms(const struct schedule *schedule, const struct bracket *bracket,
                                  size_t rung)
{
    const struct rung *here = &bracket->rungs[rung];
    double needed = schedule->options.quorum * (double)here->started;

    if (bracket_outstanding(bracket, rung) != here->started - here->reported
        || here->n_durations == 0 || (double)here->n_durations < needed) {
        return INT64_MAX; /* more trials may enter, or too few have reported */
    }
    int64_t late = here->durations_ms[(here->n_durations * 9 + 9) / 10 - 1];
    return late > INT64_MAX / 4 ? INT64_MAX : 2 * late;
}

int call_drop_stragglers(const struct schedule_call *call, const struct bracket *bracket,
                         size_t rung, int64_t *next_ms, struct err *err)
{
    const struct schedule *schedule = call->schedule;
    int64_t limit_ms = straggler_limit_ms(schedule, bracket, rung);

    for (size_t trial = 1; limit_ms < INT64_MAX && trial < schedule->n_entries; trial++) {
        const struct rung_entry *entry = &schedule->entries[trial];
        if (entry->state != ENTRY_RUNNING || entry->bracket != bracket->index
            || entry->rung != rung) {
            continue;
        }
        int64_t due = entry->since_ms + limit_ms;
        if (call->moment->now_ms > due) {
            TRY(call_record_trial(call, (int64_t)trial, FACT_LATE, entry->last.step, (double)NAN,
                                  err));
        } else if (due < *next_ms) {
            *next_ms = due;
        }
    }
    return 0;
}

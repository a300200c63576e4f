/* The state of a schedule, and the facts that change it.
 *
 * Every scheduled trial has a rung entry: it runs towards the level of its rung, or waits there
 * with a value, or is out. Rungs rank the values. state.c applies facts and is the only file that
 * changes any of this; one thread at a time. */
#ifndef SERVER_SCHEDULE_STATE_H
#define SERVER_SCHEDULE_STATE_H

#include "server/schedule/bracket.h"
#include "server/schedule/cost_table.h"
#include "server/schedule/entry.h"
#include "server/schedule/kind.h"
#include "server/schedule/record.h"
#include "server/schedule/stopping.h"

struct schedule {
    const struct study_def *study; /* borrowed */
    const struct schedule_kind *kind;
    struct schedule_options options;
    struct stopping stopping;
    size_t n_brackets, cap_brackets;
    struct bracket **brackets;
    size_t n_open;
    struct bracket **open; /* those that are not done, oldest first */
    size_t n_entries;
    struct rung_entry *entries; /* indexed by trial number */
    struct cost_table costs;    /* several objectives: of measurements and of values at rungs */
    double incoming[OBJECTIVES_MAX + 1]; /* FACT_OBJECTIVE: of the value that follows */
    bool is_loading;                     /* several objectives: rungs are sorted at the end */
    size_t cap; /* progressive asha: the highest rung in use; else SIZE_MAX */
};

/* Applies a fact. ERR_IO: it does not fit the state; ERR_NOMEM. */
MUST_USE int schedule_apply(struct schedule *schedule, const struct schedule_record *record,
                            struct err *err);
/* Sorts the rungs to which values came while is_loading. ERR_NOMEM. */
MUST_USE int schedule_sort(struct schedule *schedule, struct err *err);
/* Has a trial that runs been promoted since its lease was granted, so that this asks for less than
 * the level of its rung? */
bool schedule_is_promoted_meanwhile(const struct schedule *schedule,
                                    const struct rung_entry *entry);
/* Notes a measurement of a trial; decides nothing. Harmless for one that is not scheduled.
 * ERR_NOMEM.
 */
MUST_USE int schedule_note(struct schedule *schedule, int64_t trial,
                           const struct measured_point *point, struct err *err);
/* A value of one objective at a step: *is_whole ← whether the step's values of all objectives are
 * known now, and *point is the measurement, with the trial's present violation. Of a step that is
 * known another value replaces the one before. ERR_NOMEM. */
MUST_USE int schedule_complete(struct schedule *schedule, int64_t trial, size_t objective,
                               int64_t step, double value, struct measured_point *point,
                               bool *is_whole, struct err *err);
/* Returns the entry of a trial; NULL: it is not scheduled. */
struct rung_entry *schedule_entry(const struct schedule *schedule, int64_t trial);
/* Returns the cost of a value (smaller is better), and the value of a cost. */
double schedule_cost(const struct schedule *schedule, double value);
/* The cost of a value in column `part` of the cost table, and the value of a cost: the violation
 * behind the objectives is its own cost. */
double schedule_part_cost(const struct schedule *schedule, size_t part, double value);
/* Whether decisions need forecasts: asha in mode "predictive". */
bool schedule_is_predictive(const struct schedule *schedule);

/* Opens the next bracket, as its kind plans it. ERR_NOMEM. */
MUST_USE int bracket_open(struct schedule *schedule, struct err *err);

/* Returns the rung that an entry is at. */
struct rung *schedule_rung_of(const struct schedule *schedule, const struct rung_entry *entry);

#endif

#include "server/schedule/state.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

/* ---- entries --------------------------------------------------------------------------------- */

bool schedule_is_predictive(const struct schedule *schedule)
{
    return schedule->options.mode == ASHA_PREDICTIVE;
}

struct rung *schedule_rung_of(const struct schedule *schedule, const struct rung_entry *entry)
{
    return &schedule->brackets[entry->bracket]->rungs[entry->rung];
}

double schedule_cost(const struct schedule *schedule, double value)
{
    return study_cost(schedule->study, value);
}

double schedule_part_cost(const struct schedule *schedule, size_t part, double value)
{
    return part < schedule->study->n_objectives ? study_objective_cost(schedule->study, part, value)
                                                : value;
}

struct rung_entry *schedule_entry(const struct schedule *schedule, int64_t trial)
{
    if (trial < 0 || (size_t)trial >= schedule->n_entries
        || schedule->entries[trial].state == ENTRY_NONE) {
        return NULL;
    }
    return &schedule->entries[trial];
}

static int reserve_entry(struct schedule *schedule, int64_t trial, struct err *err)
{
    if ((size_t)trial >= schedule->n_entries) {
        size_t n = (size_t)trial + 16 + (size_t)trial / 2;
        struct rung_entry *grown = realloc(schedule->entries, n * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        memset(grown + schedule->n_entries, 0, (n - schedule->n_entries) * sizeof *grown);
        schedule->entries = grown;
        schedule->n_entries = n;
    }
    return 0;
}

static bool is_open(const struct rung_entry *entry)
{
    return entry->state == ENTRY_RUNNING || entry->state == ENTRY_WAITING;
}

/* What is known of the step: of one that was whole before, all. */
static int known_of(struct schedule *schedule, struct rung_entry *entry, int64_t step,
                    struct partial_point **partial, struct err *err)
{
    const struct measured_point *whole = entry_point(entry, step);

    TRY(entry_partial(entry, step, partial, err));
    if ((*partial)->known == 0 && whole != NULL) {
        memcpy((*partial)->costs, cost_table_row(&schedule->costs, whole->row),
               schedule->costs.width * sizeof(double));
        (*partial)->known = (1U << schedule->costs.m) - 1;
    }
    return 0;
}

int schedule_complete(struct schedule *schedule, int64_t trial, size_t objective, int64_t step,
                      double value, struct measured_point *point, bool *is_whole, struct err *err)
{
    struct rung_entry *entry = schedule_entry(schedule, trial);
    size_t m = schedule->costs.m;
    struct partial_point *partial;

    *point =
        (struct measured_point){step, study_objective_cost(schedule->study, objective, value), 0};
    *is_whole = m == 1;
    if (m == 1 || entry == NULL || !is_open(entry)) {
        return 0;
    }
    TRY(known_of(schedule, entry, step, &partial, err));
    partial->known |= 1U << objective;
    partial->costs[objective] = point->cost;
    partial->costs[m] = entry->violation;
    *is_whole = partial->known == (1U << m) - 1;
    point->cost = partial->costs[0];
    if (*is_whole) {
        TRY(cost_table_add(&schedule->costs, partial->costs, &point->row, err));
        entry_forget_partial(entry, step);
    }
    return 0;
}

bool schedule_is_promoted_meanwhile(const struct schedule *schedule, const struct rung_entry *entry)
{
    return schedule->study->has_resource
           && entry->granted < schedule->brackets[entry->bracket]->rungs[entry->rung].level;
}

int schedule_note(struct schedule *schedule, int64_t trial, const struct measured_point *point,
                  struct err *err)
{
    struct rung_entry *entry = schedule_entry(schedule, trial);
    struct stopping *stopping = &schedule->stopping;
    int64_t step = point->step;
    double cost = point->cost;

    if (entry == NULL) {
        return 0;
    }
    if (stopping->rule == STOPPING_MEDIAN) {
        TRY(median_note(stopping, &entry->average, step, cost, err));
    }
    if (stopping->rule == STOPPING_THRESHOLD && step >= stopping->step
        && (entry->checked_step < 0 || step < entry->checked_step)) {
        entry->checked_step = step;
    }
    if (!is_open(entry)) {
        return 0;
    }
    struct bracket *bracket = schedule->brackets[entry->bracket];
    bool had_no_need = bracket_needs_no_lease(bracket, entry);
    /* A result after which the trial goes on is kept by no fact: a restart would forget it. */
    bool replaces = !schedule_is_promoted_meanwhile(schedule, entry);
    TRY(entry_note(entry, bracket->rungs[entry->rung].level, replaces, *point, err));
    if (entry->state == ENTRY_WAITING && !had_no_need && bracket_needs_no_lease(bracket, entry)) {
        bracket->rungs[entry->rung].n_without_lease++;
    }
    return 0;
}

/* ---- brackets -------------------------------------------------------------------------------- */

/* The two arrays have the same capacity; it changes once both have grown. */
static int reserve_brackets(struct schedule *schedule, struct err *err)
{
    size_t cap_open = schedule->cap_brackets;
    size_t cap_all = schedule->cap_brackets;

    TRY(array_reserve(&schedule->open, schedule->n_brackets, &cap_open, sizeof(struct bracket *),
                      err));
    TRY(array_reserve(&schedule->brackets, schedule->n_brackets, &cap_all, sizeof(struct bracket *),
                      err));
    schedule->cap_brackets = cap_all;
    return 0;
}

int bracket_open(struct schedule *schedule, struct err *err)
{
    TRY(reserve_brackets(schedule, err));
    struct bracket_plan plan;
    int index = (int)schedule->n_brackets;
    int kind = schedule->kind->plan(schedule, index, &plan);
    struct bracket *bracket = bracket_create(index, kind, &plan);
    if (bracket == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    schedule->brackets[schedule->n_brackets++] = bracket;
    schedule->open[schedule->n_open++] = bracket;
    return 0;
}

static void close_when_done(struct schedule *schedule, struct bracket *bracket)
{
    if (bracket->rungs[0].size == 0 || bracket->is_done) {
        return;
    }
    for (size_t i = 0; i < bracket->n_rungs; i++) {
        if (bracket_outstanding(bracket, i) > 0) {
            return;
        }
    }
    bracket->is_done = true;
    size_t at = 0;
    while (schedule->open[at] != bracket) {
        at++;
    }
    schedule->n_open--;
    memmove((void *)(schedule->open + at), (void *)(schedule->open + at + 1),
            (schedule->n_open - at) * sizeof(struct bracket *));
}

/* ---- facts ----------------------------------------------------------------------------------- */

static int err_inconsistent(const struct schedule_record *record, struct err *err)
{
    return err_set(err, ERR_IO, "the stored fact \"%s\" of trial %" PRId64 " does not fit",
                   schedule_fact_name(record->fact), record->trial);
}

static int apply_start(struct schedule *schedule, const struct schedule_record *record,
                       struct err *err)
{
    if (record->trial < 1 || record->bracket < 0 || record->bracket > (int64_t)schedule->n_brackets
        || schedule_entry(schedule, record->trial) != NULL) {
        return err_inconsistent(record, err);
    }
    TRY(reserve_entry(schedule, record->trial, err));
    if (record->bracket == (int64_t)schedule->n_brackets) {
        TRY(bracket_open(schedule, err));
    }
    struct bracket *bracket = schedule->brackets[record->bracket];
    struct rung *rung = &bracket->rungs[0];
    if (rung->size > 0 && (int64_t)rung->started >= rung->size) {
        return err_inconsistent(record, err);
    }
    rung->started++;
    bracket->is_sealed = bracket->is_sealed && rung->size > 0;
    schedule->entries[record->trial] = entry_begin(ENTRY_RUNNING, bracket->index, record->at_ms);
    return 0;
}

static int complete_average(struct schedule *schedule, struct rung_entry *entry, struct err *err)
{
    if (schedule->stopping.rule == STOPPING_MEDIAN) {
        return median_complete(&schedule->stopping, &entry->average, err);
    }
    return 0;
}

static bool is_several(const struct schedule *schedule)
{
    return schedule->costs.m > 1;
}

/* The newest row gets the place behind all others, for the time being. */
static int append_place(struct schedule *schedule, struct rung *rung, struct err *err)
{
    int64_t trial = rung->rows[rung->n_rows - 1].trial;
    struct rung_entry *entry = schedule_entry(schedule, trial);

    entry->cost = (double)(rung->n_rows - 1);
    TRY(ranking_insert(&rung->all, entry->cost, trial, err));
    return entry->state == ENTRY_WAITING ? ranking_insert(&rung->waiting, entry->cost, trial, err)
                                         : 0;
}

/* Several objectives: the value at a rung changes the places of the others. Both rankings are made
 * anew, with the place as the cost. */
static int rank_rung(struct schedule *schedule, struct bracket *bracket, size_t index,
                     struct err *err)
{
    struct rung *rung = &bracket->rungs[index];
    bool was_unsorted = rung->is_unsorted;

    rung->is_unsorted = true;
    if (schedule->is_loading) {
        return append_place(schedule, rung, err);
    }
    TRY((was_unsorted ? cost_table_sort : cost_table_insert)(&schedule->costs, rung->n_rows,
                                                             rung->rows, err));
    rung->is_unsorted = false;
    ranking_finish(&rung->all);
    ranking_finish(&rung->waiting);
    for (size_t i = 0; i < rung->n_rows; i++) {
        struct rung_entry *entry = schedule_entry(schedule, rung->rows[i].trial);
        TRY(ranking_insert(&rung->all, (double)i, rung->rows[i].trial, err));
        if (entry->rung == index) {
            entry->cost = (double)i;
            if (entry->state == ENTRY_WAITING) {
                TRY(ranking_insert(&rung->waiting, (double)i, rung->rows[i].trial, err));
            }
        }
    }
    return 0;
}

int schedule_sort(struct schedule *schedule, struct err *err)
{
    for (size_t i = 0; i < schedule->n_brackets; i++) {
        struct bracket *bracket = schedule->brackets[i];
        for (size_t k = 0; k < bracket->n_rungs; k++) {
            TRY(bracket->rungs[k].is_unsorted ? rank_rung(schedule, bracket, k, err) : 0);
        }
    }
    return 0;
}

/* The costs of the value that is entered: the facts before it brought the others. */
static int keep_costs(struct schedule *schedule, const struct schedule_record *record,
                      struct rung_entry *entry, struct rung *rung, struct err *err)
{
    schedule->incoming[0] = entry->cost;
    TRY(cost_table_add(&schedule->costs, schedule->incoming, &entry->row, err));
    TRY(array_reserve(&rung->rows, rung->n_rows, &rung->cap_rows, sizeof *rung->rows, err));
    if (entry->last.step == record->step) {
        entry->last.row = entry->row; /* known from the facts alone after a restart */
    }
    rung->rows[rung->n_rows++] = (struct rung_row){.trial = record->trial, .row = entry->row};
    return 0;
}

static bool is_finite_value(const struct schedule *schedule, const struct rung_entry *entry)
{
    for (size_t k = 1; k < schedule->costs.m; k++) {
        if (!isfinite(schedule->incoming[k])) {
            return false;
        }
    }
    return isfinite(entry->cost);
}

static int note_objective(struct schedule *schedule, const struct schedule_record *record,
                          struct rung_entry *entry, enum entry_state to, struct err *err)
{
    (void)entry;
    (void)to;
    if (record->step < 1 || record->step >= (int64_t)schedule->costs.width) {
        return err_inconsistent(record, err);
    }
    schedule->incoming[record->step] =
        schedule_part_cost(schedule, (size_t)record->step, record->value);
    return 0;
}

/* FACT_VALUE; the entry diverges if the value is not finite, and is complete at the last rung. */
static int enter_value(struct schedule *schedule, const struct schedule_record *record,
                       struct rung_entry *entry, enum entry_state to, struct err *err)
{
    struct bracket *bracket = schedule->brackets[entry->bracket];
    struct rung *rung = &bracket->rungs[entry->rung];

    TRY(entry_decide(entry, record->step, err));
    entry->cost = schedule_cost(schedule, record->value);
    entry->has_forecast = false;
    if (record->step > entry->last.step && record->step <= rung->level) {
        entry->last = (struct measured_point){record->step, entry->cost,
                                              0}; /* known from the fact alone after a restart */
    }
    rung->reported++;
    if (schedule->options.quorum > 0) {
        TRY(rung_add_duration(rung, record->at_ms - entry->since_ms, err));
    }
    if (!is_finite_value(schedule, entry)) {
        entry_end(entry, ENTRY_DIVERGED);
        return 0;
    }
    if (is_several(schedule)) {
        TRY(keep_costs(schedule, record, entry, rung, err));
    } else {
        TRY(ranking_insert(&rung->all, entry->cost, record->trial, err));
    }
    if (entry->rung + 1 == bracket->n_rungs) {
        entry_end(entry, ENTRY_COMPLETE);
        TRY(is_several(schedule) ? rank_rung(schedule, bracket, entry->rung, err) : 0);
        return complete_average(schedule, entry, err);
    }
    entry->state = to;
    rung->n_without_lease += bracket_needs_no_lease(bracket, entry);
    if (is_several(schedule)) {
        return rank_rung(schedule, bracket, entry->rung, err);
    }
    return ranking_insert(&rung->waiting, entry->cost, record->trial, err);
}

/* Removes a waiting trial from the undecided ones. */
static void remove_waiting(struct schedule *schedule, const struct rung_entry *entry, int64_t trial)
{
    struct bracket *bracket = schedule->brackets[entry->bracket];
    struct rung *rung = &bracket->rungs[entry->rung];

    rung->n_without_lease -= bracket_needs_no_lease(bracket, entry);
    (void)ranking_remove(&rung->waiting, entry->cost, trial);
}

static int promote(struct schedule *schedule, const struct schedule_record *record,
                   struct rung_entry *entry, enum entry_state to, struct err *err)
{
    struct bracket *bracket = schedule->brackets[entry->bracket];

    if (entry->rung + 1 >= bracket->n_rungs) {
        return err_inconsistent(record, err);
    }
    remove_waiting(schedule, entry, record->trial);
    entry->rung++;
    entry->state = to;
    entry->previous_cost = entry->cost;
    entry->since_ms = record->at_ms;
    bracket->rungs[entry->rung].started++;
    entry_advance(entry, bracket->rungs[entry->rung].level);
    return 0;
}

/* The trial is out before it has a value at its rung, which no longer waits for it. */
static int leave_running(struct schedule *schedule, const struct schedule_record *record,
                         struct rung_entry *entry, enum entry_state to, struct err *err)
{
    (void)err;
    schedule->brackets[entry->bracket]->rungs[entry->rung].reported++;
    entry->is_late = record->fact == FACT_LATE;
    entry_note_reached(entry, record->step);
    entry_end(entry, to);
    return 0;
}

static int leave_waiting(struct schedule *schedule, const struct schedule_record *record,
                         struct rung_entry *entry, enum entry_state to, struct err *err)
{
    (void)err;
    remove_waiting(schedule, entry, record->trial);
    entry->ended_waiting = true;
    if (to != ENTRY_LOST) { /* that one names the level of the rung */
        entry_note_reached(entry, record->step);
    }
    entry_end(entry, to);
    return 0;
}

/* FACT_RETRY: the rung waits for the trial again. Its measurements are recalled by the caller. */
static int take_slot_again(struct schedule *schedule, const struct schedule_record *record,
                           struct rung_entry *entry, enum entry_state to, struct err *err)
{
    const struct bracket *bracket = schedule->brackets[entry->bracket];

    if (bracket->is_done || entry->ended_waiting) {
        return err_inconsistent(record, err);
    }
    bracket->rungs[entry->rung].reported--;
    entry_forget_average(entry);
    entry->n_partial = 0;
    entry->violation = (double)INFINITY;
    entry->last = (struct measured_point){.step = -1};
    entry->checked_step = -1;
    entry->since_ms = record->at_ms;
    entry->state = to;
    return 0;
}

/* FACT_SHORT: the value counts at every later rung, so that no lease is needed to continue. */
static int mark_short(struct schedule *schedule, const struct schedule_record *record,
                      struct rung_entry *entry, enum entry_state to, struct err *err)
{
    const struct bracket *bracket = schedule->brackets[entry->bracket];

    (void)record;
    if (to == ENTRY_WAITING && !bracket_needs_no_lease(bracket, entry)) {
        bracket->rungs[entry->rung].n_without_lease++;
    }
    entry->is_short = true;
    return complete_average(schedule, entry, err);
}

/* One number of a forecast. */
static int note_forecast(struct schedule *schedule, const struct schedule_record *record,
                         struct rung_entry *entry, enum entry_state to, struct err *err)
{
    (void)schedule;
    (void)to;
    (void)err;
    if (record->fact == FACT_CHANCE) {
        entry->has_forecast = true;
        entry->forecast_step = record->step;
        entry->forecast = (struct schedule_forecast){.known = true, .chance = record->value};
    } else if (record->fact == FACT_MEAN) {
        entry->forecast.mean = record->value;
    } else if (record->fact == FACT_SPREAD) {
        entry->forecast.spread = record->value;
    } else {
        entry->forecast.incumbent = record->value;
    }
    return 0;
}

/* The state machine of an entry: what each fact does in each state, and the next state. Where there
 * is no effect the fact is impossible, and the stored facts are damaged. All other states are
 * final. */
static const struct effect {
    int (*apply)(struct schedule *schedule, const struct schedule_record *record,
                 struct rung_entry *entry, enum entry_state to, struct err *err);
    enum entry_state to;
} effects[ENTRY_STATE_COUNT][FACT_COUNT] = {
    [ENTRY_RUNNING] =
        {
            [FACT_VALUE] = {enter_value, ENTRY_WAITING}, /* or diverged, or complete */
            [FACT_OBJECTIVE] = {note_objective, ENTRY_RUNNING},
            [FACT_SHORT] = {mark_short, ENTRY_RUNNING},
            [FACT_LOSE] = {leave_running, ENTRY_LOST},
            [FACT_LATE] = {leave_running, ENTRY_LOST},
            [FACT_MEDIAN] = {leave_running, ENTRY_STOPPED},
            [FACT_THRESHOLD] = {leave_running, ENTRY_STOPPED},
            [FACT_FAIL] = {leave_running, ENTRY_ENDED},
            [FACT_CANCEL] = {leave_running, ENTRY_ENDED},
            [FACT_DROP] = {leave_running, ENTRY_ENDED},
        },
    [ENTRY_WAITING] =
        {
            [FACT_PROMOTE] = {promote, ENTRY_RUNNING},
            [FACT_SHORT] = {mark_short, ENTRY_WAITING},
            [FACT_CHANCE] = {note_forecast, ENTRY_WAITING},
            [FACT_MEAN] = {note_forecast, ENTRY_WAITING},
            [FACT_SPREAD] = {note_forecast, ENTRY_WAITING},
            [FACT_INCUMBENT] = {note_forecast, ENTRY_WAITING},
            [FACT_LOSE] = {leave_waiting, ENTRY_LOST},
            [FACT_LATE] = {leave_waiting, ENTRY_LOST},
            [FACT_MEDIAN] = {leave_waiting, ENTRY_STOPPED},
            [FACT_THRESHOLD] = {leave_waiting, ENTRY_STOPPED},
            [FACT_FAIL] = {leave_waiting, ENTRY_ENDED},
            [FACT_CANCEL] = {leave_waiting, ENTRY_ENDED},
            [FACT_DROP] = {leave_waiting, ENTRY_ENDED},
        },
    [ENTRY_ENDED] =
        {
            [FACT_RETRY] = {take_slot_again, ENTRY_RUNNING},
        },
};

/* Removes the free slots of a bracket, and the same share of the rungs above. */
static int apply_seal(struct schedule *schedule, const struct schedule_record *record,
                      struct err *err)
{
    if (record->bracket < 0 || record->bracket >= (int64_t)schedule->n_brackets) {
        return err_inconsistent(record, err);
    }
    struct bracket *bracket = schedule->brackets[record->bracket];
    int64_t slots = bracket->rungs[0].size;
    int64_t started = (int64_t)bracket->rungs[0].started;
    bracket->is_sealed = true;
    for (size_t i = 0; slots > 0 && i < bracket->n_rungs; i++) {
        struct rung *rung = &bracket->rungs[i];
        rung->size = (int64_t)(__extension__(__int128) rung->size * started / slots);
        rung->size = rung->size < 1 ? 1 : rung->size;
    }
    close_when_done(schedule, bracket);
    return 0;
}

int schedule_apply(struct schedule *schedule, const struct schedule_record *record, struct err *err)
{
    if (record->fact == FACT_START) {
        return apply_start(schedule, record, err);
    }
    if (record->fact == FACT_SEAL) {
        return apply_seal(schedule, record, err);
    }
    if (record->fact == FACT_UNLOCK) {
        schedule->cap++;
        return 0;
    }
    struct rung_entry *entry = schedule_entry(schedule, record->trial);
    const struct effect *effect =
        entry == NULL || record->fact >= FACT_COUNT ? NULL : &effects[entry->state][record->fact];
    if (effect == NULL || effect->apply == NULL) {
        return err_inconsistent(record, err);
    }
    struct bracket *bracket = schedule->brackets[entry->bracket];
    TRY(effect->apply(schedule, record, entry, effect->to, err));
    close_when_done(schedule, bracket);
    return 0;
}

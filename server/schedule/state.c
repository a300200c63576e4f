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

int64_t entry_reach(const struct rung_entry *entry)
{
    return entry->n_ahead > 0 ? entry->ahead[entry->n_ahead - 1].step : entry->last.step;
}

bool entry_needs_no_lease(const struct bracket *bracket, const struct rung_entry *entry)
{
    return entry->is_short
           || (entry->rung + 1 < bracket->n_rungs
               && entry_reach(entry) >= bracket->rungs[entry->rung + 1].level);
}

static int push_ahead(struct rung_entry *entry, struct measured_point point, struct err *err)
{
    TRY(array_reserve(&entry->ahead, entry->n_ahead, &entry->cap_ahead, sizeof *entry->ahead, err));
    entry->ahead[entry->n_ahead++] = point;
    return 0;
}

/* Moves what was measured ahead, up to this level, to `last`. */
static void advance_last(struct rung_entry *entry, int64_t level)
{
    size_t n = 0;

    while (n < entry->n_ahead && entry->ahead[n].step <= level) {
        entry->last = entry->ahead[n++];
    }
    if (n > 0) {
        entry->n_ahead -= n;
        memmove(entry->ahead, entry->ahead + n, entry->n_ahead * sizeof *entry->ahead);
    }
}

static int note_point(struct rung_entry *entry, int64_t level, struct measured_point point,
                      struct err *err)
{
    if (point.step == entry->last.step && entry->state == ENTRY_RUNNING) {
        entry->last = point; /* the value of a result replaces the measurement */
        return 0;
    }
    if (point.step <= entry_reach(entry)) {
        return 0; /* this step is known */
    }
    if (point.step <= level && entry->n_ahead == 0) {
        entry->last = point;
        return 0;
    }
    return push_ahead(entry, point, err);
}

int schedule_note(struct schedule *schedule, int64_t trial, int64_t step, double cost,
                  struct err *err)
{
    struct rung_entry *entry = schedule_entry(schedule, trial);
    struct stopping *stopping = &schedule->stopping;

    if (entry == NULL) {
        return 0;
    }
    if (stopping->rule == STOPPING_MEDIAN) {
        TRY(median_note(stopping, &entry->average, step, cost, err));
    }
    if (stopping->rule == STOPPING_THRESHOLD && step >= stopping->step) {
        entry->threshold_checked = true;
    }
    if (entry->state != ENTRY_RUNNING && entry->state != ENTRY_WAITING) {
        return 0;
    }
    struct bracket *bracket = schedule->brackets[entry->bracket];
    bool had_no_need = entry_needs_no_lease(bracket, entry);
    TRY(note_point(entry, bracket->rungs[entry->rung].level, (struct measured_point){step, cost},
                   err));
    if (entry->state == ENTRY_WAITING && !had_no_need && entry_needs_no_lease(bracket, entry)) {
        bracket->rungs[entry->rung].n_without_lease++;
    }
    return 0;
}

/* ---- brackets -------------------------------------------------------------------------------- */

void bracket_destroy(struct bracket *bracket)
{
    if (bracket == NULL) {
        return;
    }
    for (size_t i = 0; bracket->rungs != NULL && i < bracket->n_rungs; i++) {
        ranking_finish(&bracket->rungs[i].all);
        ranking_finish(&bracket->rungs[i].waiting);
        free(bracket->rungs[i].durations_ms);
    }
    free(bracket->rungs);
    free(bracket);
}

static struct bracket *bracket_new(const struct schedule *schedule, int index)
{
    struct bracket_plan plan;
    struct bracket *bracket = calloc(1, sizeof *bracket);

    if (bracket == NULL) {
        return NULL;
    }
    bracket->index = index;
    bracket->kind = schedule->kind->plan(schedule, index, &plan);
    bracket->n_rungs = plan.n;
    bracket->rungs = calloc(plan.n, sizeof *bracket->rungs);
    if (bracket->rungs == NULL) {
        free(bracket);
        return NULL;
    }
    for (size_t i = 0; i < plan.n; i++) {
        bracket->rungs[i].level = plan.rungs[i].level;
        bracket->rungs[i].size = plan.rungs[i].size;
    }
    return bracket;
}

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
    struct bracket *bracket = bracket_new(schedule, (int)schedule->n_brackets);
    if (bracket == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    schedule->brackets[schedule->n_brackets++] = bracket;
    schedule->open[schedule->n_open++] = bracket;
    return 0;
}

size_t bracket_outstanding(const struct bracket *bracket, size_t rung)
{
    const struct rung *rungs = bracket->rungs;
    bool is_closed = true; /* the rung below has all its values */
    size_t outstanding = 0;

    if (rungs[0].size == 0) {
        return rungs[rung].started - rungs[rung].reported;
    }
    for (size_t i = 0; i <= rung; i++) {
        size_t width = (size_t)rungs[i].size;
        if (i > 0 && is_closed) {
            size_t coming = rungs[i].started + rungs[i - 1].waiting.n;
            width = coming < width ? coming : width;
        }
        outstanding = width > rungs[i].reported ? width - rungs[i].reported : 0;
        is_closed = is_closed && outstanding == 0;
    }
    return is_closed ? 0 : outstanding;
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
    schedule->entries[record->trial] = (struct rung_entry){.state = ENTRY_RUNNING,
                                                           .bracket = bracket->index,
                                                           .last = {.step = -1},
                                                           .since_ms = record->at_ms};
    return 0;
}

/* Adds how long a value took, in ascending order. */
static int add_duration(struct rung *rung, int64_t duration_ms, struct err *err)
{
    TRY(array_reserve(&rung->durations_ms, rung->n_durations, &rung->cap_durations,
                      sizeof *rung->durations_ms, err));
    size_t at = rung->n_durations++;
    for (; at > 0 && rung->durations_ms[at - 1] > duration_ms; at--) {
        rung->durations_ms[at] = rung->durations_ms[at - 1];
    }
    rung->durations_ms[at] = duration_ms;
    return 0;
}

static int complete_average(struct schedule *schedule, struct rung_entry *entry, struct err *err)
{
    if (schedule->stopping.rule == STOPPING_MEDIAN) {
        return median_complete(&schedule->stopping, &entry->average, err);
    }
    return 0;
}

/* Sets a final state: nothing more will be measured. */
static void end_entry(struct rung_entry *entry, enum entry_state state)
{
    entry->state = state;
    free(entry->ahead);
    entry->ahead = NULL;
    entry->n_ahead = 0;
    entry->cap_ahead = 0;
}

/* FACT_VALUE; the entry diverges if the value is not finite, and is complete at the last rung. */
static int enter_value(struct schedule *schedule, const struct schedule_record *record,
                       struct rung_entry *entry, enum entry_state to, struct err *err)
{
    struct bracket *bracket = schedule->brackets[entry->bracket];
    struct rung *rung = &bracket->rungs[entry->rung];

    entry->cost = schedule_cost(schedule, record->value);
    entry->has_forecast = false;
    if (record->step > entry->last.step && record->step <= rung->level) {
        entry->last = (struct measured_point){
            record->step, entry->cost}; /* known from the fact alone after a restart */
    }
    rung->reported++;
    if (schedule->options.quorum > 0) {
        TRY(add_duration(rung, record->at_ms - entry->since_ms, err));
    }
    if (!isfinite(entry->cost)) {
        end_entry(entry, ENTRY_DIVERGED);
        return 0;
    }
    TRY(ranking_insert(&rung->all, entry->cost, record->trial, err));
    if (entry->rung + 1 == bracket->n_rungs) {
        end_entry(entry, ENTRY_COMPLETE);
        return complete_average(schedule, entry, err);
    }
    entry->state = to;
    rung->n_without_lease += entry_needs_no_lease(bracket, entry);
    return ranking_insert(&rung->waiting, entry->cost, record->trial, err);
}

/* Removes a waiting trial from the undecided ones. */
static void remove_waiting(struct schedule *schedule, const struct rung_entry *entry, int64_t trial)
{
    struct bracket *bracket = schedule->brackets[entry->bracket];
    struct rung *rung = &bracket->rungs[entry->rung];

    rung->n_without_lease -= entry_needs_no_lease(bracket, entry);
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
    advance_last(entry, bracket->rungs[entry->rung].level);
    return 0;
}

/* The step that the trial had reached; after a restart it is known from the fact alone. */
static void note_reached(struct rung_entry *entry, const struct schedule_record *record)
{
    if (record->step > entry->last.step) {
        entry->last.step = record->step;
    }
}

/* The trial is out before it has a value at its rung, which no longer waits for it. */
static int leave_running(struct schedule *schedule, const struct schedule_record *record,
                         struct rung_entry *entry, enum entry_state to, struct err *err)
{
    (void)err;
    schedule->brackets[entry->bracket]->rungs[entry->rung].reported++;
    entry->is_late = record->fact == FACT_LATE;
    note_reached(entry, record);
    end_entry(entry, to);
    return 0;
}

static int leave_waiting(struct schedule *schedule, const struct schedule_record *record,
                         struct rung_entry *entry, enum entry_state to, struct err *err)
{
    (void)err;
    remove_waiting(schedule, entry, record->trial);
    entry->ended_waiting = true;
    if (to != ENTRY_LOST) { /* that one names the level of the rung */
        note_reached(entry, record);
    }
    end_entry(entry, to);
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
    running_average_destroy(entry->average);
    entry->average = NULL;
    entry->last = (struct measured_point){.step = -1};
    entry->threshold_checked = false;
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
    if (to == ENTRY_WAITING && !entry_needs_no_lease(bracket, entry)) {
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

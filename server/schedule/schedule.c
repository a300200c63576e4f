#include "server/schedule/schedule.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/schedule/decide.h"
#include "server/schedule/kinds.h"
#include "server/schedule/options.h"

/* ---- creation -------------------------------------------------------------------------------- */

static bool keeps_entries(const struct schedule *schedule)
{
    return schedule->kind != &schedule_full || schedule->stopping.rule != STOPPING_NONE;
}

int schedule_create(const struct study_def *study, struct schedule **schedule, struct err *err)
{
    OWN(schedule) struct schedule *made = calloc(1, sizeof *made);
    struct faults faults = {0};

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->study = study;
    made->kind = schedule_kind_of(study_strategy(study));
    schedule_options_read(study, NULL, &made->options, &faults);
    stopping_read(study, &made->stopping, &faults);
    int faulty = faults_result(&faults, err);
    faults_finish(&faults);
    TRY(faulty);
    made->costs.m = study->n_objectives;
    made->costs.width = study->n_objectives + (study->n_bounds > 0);
    made->cap = made->options.progressive ? 2 : SIZE_MAX;
    for (int i = 0; i < made->kind->n_permanent(&made->options); i++) {
        TRY(bracket_open(made, err));
    }
    *schedule = made;
    made = NULL;
    return 0;
}

void schedule_destroy(struct schedule *schedule)
{
    if (schedule == NULL) {
        return;
    }
    for (size_t i = 0; i < schedule->n_brackets; i++) {
        bracket_destroy(schedule->brackets[i]);
    }
    for (size_t i = 0; i < schedule->n_entries; i++) {
        entry_finish(&schedule->entries[i]);
    }
    free((void *)schedule->brackets);
    free((void *)schedule->open);
    free(schedule->entries);
    cost_table_finish(&schedule->costs);
    stopping_finish(&schedule->stopping);
    free(schedule);
}

/* ---- facts ----------------------------------------------------------------------------------- */

bool schedule_has_facts(const struct schedule *schedule)
{
    return keeps_entries(schedule);
}

bool schedule_wants_curves(const struct schedule *schedule)
{
    return schedule->stopping.rule == STOPPING_MEDIAN;
}

int schedule_load(struct schedule *schedule, const struct schedule_record *record, struct err *err)
{
    if (record->fact < FACT_START || record->fact >= FACT_COUNT) {
        return err_set(err, ERR_IO, "a stored fact of trial %" PRId64 " is of unknown kind",
                       record->trial);
    }
    return schedule_apply(schedule, record, err);
}

void schedule_load_begin(struct schedule *schedule)
{
    schedule->is_loading = true;
}

int schedule_load_end(struct schedule *schedule, struct err *err)
{
    schedule->is_loading = false;
    return schedule_sort(schedule, err);
}

int schedule_recall(struct schedule *schedule, int64_t trial, size_t objective, int64_t step,
                    double value, struct err *err)
{
    struct measured_point point;
    bool is_whole;

    TRY(schedule_complete(schedule, trial, objective, step, value, &point, &is_whole, err));
    return is_whole ? schedule_note(schedule, trial, &point, err) : 0;
}

void schedule_note_violation(struct schedule *schedule, int64_t trial, double violation)
{
    struct rung_entry *entry = schedule_entry(schedule, trial);

    if (entry != NULL) {
        entry->violation = violation;
    }
}

bool schedule_is_whole(const struct schedule *schedule, int64_t trial, int64_t step)
{
    const struct rung_entry *entry = schedule_entry(schedule, trial);
    bool is_open =
        entry != NULL && (entry->state == ENTRY_RUNNING || entry->state == ENTRY_WAITING);

    return schedule->costs.m == 1 || !is_open || entry_point(entry, step) != NULL
           || entry_reach(entry) >= step;
}

void schedule_forget_curve(struct schedule *schedule, int64_t trial)
{
    struct rung_entry *entry = schedule_entry(schedule, trial);

    if (entry != NULL) {
        entry_forget_average(entry);
    }
}

void schedule_hold(struct schedule *schedule, int64_t trial, int64_t to)
{
    struct rung_entry *entry = schedule_entry(schedule, trial);

    if (entry != NULL) {
        entry->held = true;
        entry->granted = to;
    }
}

void schedule_release(struct schedule *schedule, int64_t trial)
{
    struct rung_entry *entry = schedule_entry(schedule, trial);

    if (entry != NULL) {
        entry->held = false;
    }
}

/* ---- the life of a trial --------------------------------------------------------------------- */

void schedule_offer(const struct schedule *schedule, const struct schedule_moment *moment,
                    struct schedule_offer *offer)
{
    *offer = (struct schedule_offer){.kind = OFFER_NOTHING};
    schedule->kind->offer(schedule, moment, offer);
}

int schedule_take(struct schedule *schedule, const struct schedule_moment *moment,
                  const struct schedule_offer *offer, int64_t trial, struct schedule_log *log,
                  struct err *err)
{
    const struct schedule_call call = {schedule, moment, log};
    const struct schedule_record record = {
        .fact = offer->kind == OFFER_NEW ? FACT_START : FACT_PROMOTE,
        .trial = trial,
        .bracket = offer->bracket,
        .step = offer->until,
        .value = (double)NAN,
        .at_ms = moment->now_ms,
    };

    if (!keeps_entries(schedule)) {
        return 0;
    }
    call_begin(&call, CALL_TAKE, trial, 0);
    if (offer->kind == OFFER_RESUME && moment->prefers != NULL
        && moment->prefers(moment->worker, trial)) {
        log->call.code |= CALL_PREFERRED;
    }
    TRY(call_record(&call, &record, err));
    schedule_hold(schedule, trial, offer->until);
    return 0;
}

struct schedule_answer schedule_answer(const struct schedule *schedule, int64_t trial)
{
    static const enum schedule_verdict verdicts[] = {
        [ENTRY_NONE] = VERDICT_RUN,          [ENTRY_RUNNING] = VERDICT_RUN,
        [ENTRY_WAITING] = VERDICT_PAUSE,     [ENTRY_LOST] = VERDICT_PRUNE,
        [ENTRY_STOPPED] = VERDICT_PRUNE,     [ENTRY_DIVERGED] = VERDICT_FAIL,
        [ENTRY_COMPLETE] = VERDICT_COMPLETE, [ENTRY_ENDED] = VERDICT_PRUNE,
    };
    const struct rung_entry *entry = schedule_entry(schedule, trial);
    struct schedule_answer answer = {.has_until = schedule->study->has_resource};

    if (entry == NULL) {
        answer.until = answer.has_until ? schedule->study->resource_max : 0;
        return answer;
    }
    answer.verdict = verdicts[entry->state];
    if (schedule_is_predictive(schedule)) { /* no trial pauses */
        answer.verdict = entry->state == ENTRY_WAITING ? VERDICT_RUN : answer.verdict;
        answer.until = schedule->study->resource_max;
        return answer;
    }
    if (entry->is_short && (entry->state == ENTRY_WAITING || entry->state == ENTRY_LOST)) {
        answer.verdict = VERDICT_COMPLETE;
    }
    answer.until = answer.has_until ? schedule_rung_of(schedule, entry)->level : 0;
    return answer;
}

/* Whether measurements of the trial may still lead to a decision. */
static bool is_training(const struct schedule *schedule, const struct rung_entry *entry)
{
    return entry->state == ENTRY_RUNNING
           || (entry->state == ENTRY_WAITING && schedule_is_predictive(schedule));
}

int schedule_measure(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                     size_t objective, int64_t step, double value, struct schedule_log *log,
                     struct schedule_answer *answer, struct err *err)
{
    const struct schedule_call call = {schedule, moment, log};
    const struct rung_entry *entry = schedule_entry(schedule, trial);
    struct measured_point point;
    bool is_whole;

    if (entry == NULL) {
        *answer = schedule_answer(schedule, trial);
        if (answer->has_until && step >= answer->until) {
            answer->verdict = VERDICT_COMPLETE;
        }
        return 0;
    }
    call_begin(&call, CALL_MEASURE, trial, step);
    bool may_stop = is_training(schedule, entry);
    TRY(schedule_complete(schedule, trial, objective, step, value, &point, &is_whole, err));
    if (is_whole && (may_stop || entry->state == ENTRY_WAITING)) {
        bool is_first_check = entry->checked_step < 0;
        bool is_new_step = step > entry_reach(entry);
        TRY(schedule_note(schedule, trial, &point, err));
        if (may_stop && is_new_step) {
            TRY(call_apply_stopping_rule(&call, trial, point, is_first_check, err));
        }
        TRY(call_enter_known_rungs(&call, trial, err));
        TRY(call_conclude_around(&call, trial, err));
    }
    *answer = schedule_answer(schedule, trial);
    return 0;
}

bool schedule_may_replace(const struct schedule *schedule, int64_t trial, int64_t step)
{
    const struct rung_entry *entry = schedule_entry(schedule, trial);

    if (entry == NULL) {
        return true;
    }
    bool is_pooled = entry->average != NULL && entry->average->is_completed;
    return !is_pooled && entry->state != ENTRY_STOPPED && !entry_is_decided(entry, step);
}

int schedule_replace(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                     size_t objective, int64_t step, double value, struct schedule_log *log,
                     struct err *err)
{
    const struct schedule_call call = {schedule, moment, log};
    struct rung_entry *entry = schedule_entry(schedule, trial);
    struct measured_point point;
    bool is_whole;

    if (entry == NULL) {
        return 0;
    }
    TRY(schedule_complete(schedule, trial, objective, step, value, &point, &is_whole, err));
    if (!is_whole) {
        return 0;
    }
    call_begin(&call, CALL_REPLACE, trial, step);
    entry_replace(entry, point);
    if (!is_training(schedule, entry)) {
        return 0;
    }
    if (schedule->stopping.rule == STOPPING_MEDIAN) {
        point = entry_newest(entry);
    }
    TRY(call_apply_stopping_rule(&call, trial, point, step == entry->checked_step, err));
    return call_conclude_around(&call, trial, err);
}

/* The job ended at `step` before it reached the level of its rung. */
static int finish_early(const struct schedule_call *call, int64_t trial, int64_t step,
                        struct err *err)
{
    const struct schedule *schedule = call->schedule;
    const struct rung_entry *entry = schedule_entry(schedule, trial);
    int64_t level = schedule_rung_of(schedule, entry)->level;

    if (step < level && schedule_is_promoted_meanwhile(schedule, entry) && step >= entry->granted) {
        return 0; /* the job did what its lease said; the trial was promoted meanwhile, and is
                     leased again */
    }
    if (step < level && schedule->study->has_resource) {
        TRY(call_record_trial(call, trial, FACT_SHORT, step, (double)NAN, err));
    }
    TRY(call_enter_rung(call, trial, err));
    return call_enter_known_rungs(call, trial, err);
}

int schedule_finish(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                    int64_t step, struct schedule_log *log, struct schedule_answer *answer,
                    struct err *err)
{
    const struct schedule_call call = {schedule, moment, log};
    struct rung_entry *entry = schedule_entry(schedule, trial);

    if (entry == NULL) {
        *answer = schedule_answer(schedule, trial);
        answer->verdict = VERDICT_COMPLETE;
        return 0;
    }
    call_begin(&call, CALL_FINISH, trial, step);
    entry->held = false;
    if (entry->state == ENTRY_RUNNING) {
        TRY(finish_early(&call, trial, step, err));
        TRY(call_conclude_around(&call, trial, err));
    } else if (entry->state == ENTRY_WAITING && schedule_is_predictive(schedule)) {
        /* it ended by itself before a forecast was made */
        TRY(call_record_trial(&call, trial, FACT_SHORT, step, (double)NAN, err));
        TRY(call_conclude_around(&call, trial, err));
    }
    *answer = schedule_answer(schedule, trial);
    return 0;
}

int schedule_end(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                 enum schedule_fact how, struct schedule_log *log, struct err *err)
{
    const struct schedule_call call = {schedule, moment, log};
    struct rung_entry *entry = schedule_entry(schedule, trial);

    if (entry == NULL) {
        return 0;
    }
    call_begin(&call, CALL_END, trial, 0);
    entry->held = false;
    if (entry->state != ENTRY_RUNNING && entry->state != ENTRY_WAITING) {
        return 0;
    }
    TRY(call_record_trial(&call, trial, how, entry->last.step, (double)NAN, err));
    return call_conclude_around(&call, trial, err);
}

bool schedule_may_retry(const struct schedule *schedule, int64_t trial)
{
    const struct rung_entry *entry = schedule_entry(schedule, trial);

    return entry == NULL
           || (entry->state == ENTRY_ENDED && !entry->ended_waiting
               && !schedule->brackets[entry->bracket]->is_done);
}

int schedule_retry(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                   struct schedule_log *log, struct err *err)
{
    const struct schedule_call call = {schedule, moment, log};

    call_begin(&call, CALL_RETRY, trial, 0);
    return schedule_entry(schedule, trial) == NULL
               ? 0
               : call_record_trial(&call, trial, FACT_RETRY, 0, (double)NAN, err);
}

int schedule_seal(struct schedule *schedule, const struct schedule_moment *moment,
                  struct schedule_log *log, struct err *err)
{
    const struct schedule_call call = {schedule, moment, log};

    call_begin(&call, CALL_SEAL, 0, 0);
    for (size_t i = schedule->n_open;
         i-- > 0;) { /* backwards: a bracket that is done leaves the list */
        const struct bracket *bracket = schedule->open[i];
        bool is_full = bracket->rungs[0].size > 0
                       && (int64_t)bracket->rungs[0].started >= bracket->rungs[0].size;
        if (bracket->is_sealed || is_full || schedule->kind == &schedule_full) {
            continue;
        }
        const struct schedule_record record = {
            .fact = FACT_SEAL,
            .bracket = bracket->index,
            .value = (double)NAN,
            .at_ms = moment->now_ms,
        };
        TRY(call_record(&call, &record, err));
        TRY(call_conclude(&call, bracket, err));
    }
    return 0;
}

int schedule_tick(struct schedule *schedule, const struct schedule_moment *moment,
                  struct schedule_log *log, int64_t *next_ms, struct err *err)
{
    const struct schedule_call call = {schedule, moment, log};

    call_begin(&call, CALL_TICK, 0, 0);
    *next_ms = INT64_MAX;
    for (size_t i = schedule->options.quorum > 0 ? schedule->n_open : 0; i-- > 0;) {
        const struct bracket *bracket = schedule->open[i];
        for (size_t rung = 0; rung < bracket->n_rungs; rung++) {
            if (bracket->rungs[rung].started > bracket->rungs[rung].reported) {
                TRY(call_drop_stragglers(&call, bracket, rung, next_ms, err));
            }
        }
        TRY(call_conclude(&call, bracket, err));
    }
    return 0;
}

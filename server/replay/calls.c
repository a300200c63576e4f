#include "server/replay/calls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/replay/past.h"

void call_again_finish(struct call_again *again)
{
    schedule_log_finish(&again->log);
}

int calls_create(const struct study_record *record, struct calls *calls, struct err *err)
{
    *calls = (struct calls){.record = record,
                            .fed = malloc((record->n_trials + 1) * sizeof *calls->fed)};
    if (calls->fed == NULL
        || schedule_create(study_record_def(record)->def, &calls->schedule, err) != 0) {
        free(calls->fed);
        calls->fed = NULL;
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < record->n_trials; i++) {
        calls->fed[i] = -1;
    }
    return 0;
}

void calls_finish(struct calls *calls)
{
    schedule_destroy(calls->schedule);
    free(calls->fed);
    *calls = (struct calls){0};
}

int64_t calls_next_seq(const struct calls *calls)
{
    return calls->next < calls->record->n_facts ? calls->record->facts[calls->next].seq : INT64_MAX;
}

static const struct record_trial *trial_of(const struct calls *calls, int64_t number)
{
    bool is_there = number > 0 && number <= (int64_t)calls->record->n_trials;

    return is_there ? &calls->record->trials[number - 1] : NULL;
}

/* ---- measurements ---- */

/* The first of the points behind a step. */
static size_t first_behind(const struct record_trial *trial, int64_t step)
{
    size_t low = 0;
    size_t high = trial->n_points;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (trial->points[middle].step <= step) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static const struct study_def *def_of(const struct calls *calls)
{
    return study_record_def(calls->record)->def;
}

static bool is_several(const struct calls *calls)
{
    return def_of(calls)->n_objectives > 1;
}

/* The attempt of the trial that is under way, or was the last one. */
static int64_t attempt_of(const struct calls *calls, const struct record_trial *trial)
{
    const struct record_event *event = past_event(trial, calls->seq);

    return event == NULL ? 0 : event->attempt;
}

/* Several objectives: what the trial had measured of the bounded metrics last, up to a step. */
static void note_violation_at(struct calls *calls, int64_t number, int64_t step)
{
    const struct study_def *def = def_of(calls);
    const struct record_trial *trial = trial_of(calls, number);
    int64_t attempt = attempt_of(calls, trial);
    double bounded[BOUNDS_MAX];

    for (size_t i = 0; i < BOUNDS_MAX; i++) {
        bounded[i] = (double)NAN;
    }
    for (size_t i = 0; i < trial->n_parts && trial->parts[i].point.step <= step; i++) {
        const struct record_part *one = &trial->parts[i];
        if (one->part >= def->n_objectives && one->point.attempt <= attempt) {
            bounded[one->part - def->n_objectives] = one->point.value;
        }
    }
    schedule_note_violation(calls->schedule, number, study_violation(def, bounded));
}

/* Several objectives: feed() up to a step. */
static int feed_parts(struct calls *calls, int64_t number, int64_t upto, struct err *err)
{
    const struct study_def *def = def_of(calls);
    const struct record_trial *trial = trial_of(calls, number);
    int64_t attempt = attempt_of(calls, trial);
    int64_t after = calls->fed[number - 1];

    for (size_t i = 0; i < trial->n_parts && trial->parts[i].point.step <= upto; i++) {
        const struct record_part *one = &trial->parts[i];
        const struct record_part *before = i == 0 ? NULL : one - 1;
        bool is_first =
            before == NULL || before->part != one->part || before->point.step != one->point.step;
        if (one->part < def->n_objectives && one->point.attempt <= attempt && is_first
            && one->point.step > after) {
            if (def->n_bounds > 0) {
                note_violation_at(calls, number, one->point.step);
            }
            TRY(schedule_recall(calls->schedule, number, one->part, one->point.step,
                                one->point.value, err));
            calls->fed[number - 1] = one->point.step;
        }
    }
    return 0;
}

/* Lets the schedule know what the trial had measured in its attempts so far, up to a step; the
 * oldest attempt's value where several measured the same one. */
static int feed(struct calls *calls, int64_t number, int64_t upto, struct err *err)
{
    const struct record_trial *trial = trial_of(calls, number);

    if (trial == NULL) {
        return 0;
    }
    if (is_several(calls)) {
        return feed_parts(calls, number, upto, err);
    }
    int64_t attempt = attempt_of(calls, trial);
    int64_t *fed = &calls->fed[number - 1];
    for (size_t i = first_behind(trial, *fed); i < trial->n_points && trial->points[i].step <= upto;
         i++) {
        const struct record_point *point = &trial->points[i];
        bool is_first = i == 0 || trial->points[i - 1].step != point->step;
        if (is_first && point->attempt <= attempt) {
            TRY(schedule_recall(calls->schedule, number, 0, point->step, point->value, err));
            *fed = point->step;
        }
    }
    return 0;
}

static const struct record_point *point_at(const struct record_trial *trial, int64_t step)
{
    for (size_t i = 0; trial != NULL && i < trial->n_points; i++) {
        if (trial->points[i].step == step) {
            return &trial->points[i];
        }
    }
    return NULL;
}

/* ---- who holds a lease ---- */

/* Takes note of leases up to this event, but for those of the trial whose call it is. */
static int follow_leases(struct calls *calls, int64_t seq, int64_t except, struct err *err)
{
    const struct study_record *record = calls->record;

    for (; calls->next_event < record->n_events && record->events[calls->next_event].seq <= seq;
         calls->next_event++) {
        const struct record_event *event = &record->events[calls->next_event];
        calls->seq = event->seq;
        if (event->trial == except) {
            continue;
        }
        if (event->kind == EVENT_TRIAL_RUNNING) {
            schedule_hold(calls->schedule, event->trial,
                          schedule_answer(calls->schedule, event->trial).until);
            continue;
        }
        schedule_release(calls->schedule, event->trial);
        if (event->kind == EVENT_TRIAL_PAUSED) { /* what it measured past its rung is complete */
            TRY(feed(calls, event->trial, INT64_MAX, err));
        }
    }
    calls->seq = seq;
    return 0;
}

/* ---- one call ---- */

struct one_call {
    struct calls *calls;
    const struct record_fact *facts; /* that are stored of it */
    size_t n;
    const struct schedule_record *first;
    struct schedule_moment moment;
    struct schedule_log *log;
};

static bool is_the_trial(const void *worker, int64_t trial)
{
    return *(const int64_t *)worker == trial;
}

static int take_again(const struct one_call *call, struct err *err)
{
    const struct schedule_record *first = call->first;
    struct schedule *schedule = call->calls->schedule;
    struct schedule_moment moment = call->moment;
    struct schedule_offer offer;

    if ((first->call.code & CALL_PREFERRED) != 0) {
        moment.prefers = is_the_trial;
        moment.worker = &first->trial;
    }
    schedule_offer(schedule, &moment, &offer);
    if (offer.kind == OFFER_NOTHING) {
        return 0;
    }
    return schedule_take(schedule, &moment, &offer,
                         offer.kind == OFFER_NEW ? first->trial : offer.trial, call->log, err);
}

/* The fact of the call that has the value of an objective at a step; NULL: none has. Those of the
 * other objectives come before the one of the first. */
static const struct schedule_record *fact_with(const struct one_call *call, size_t part,
                                               int64_t step)
{
    const struct schedule_record *found = NULL;

    for (size_t i = 0; i < call->n; i++) {
        const struct schedule_record *record = &call->facts[i].record;
        if (record->trial != call->first->trial) {
            continue;
        }
        if (part > 0 && record->fact == FACT_OBJECTIVE && record->step == (int64_t)part) {
            found = record;
        }
        if (record->fact == FACT_VALUE && record->step == step) {
            return part > 0 ? found : record;
        }
    }
    return NULL;
}

static const struct record_point *part_at(const struct record_trial *trial, size_t part,
                                          int64_t step)
{
    if (trial->n_parts == 0) {
        return part == 0 ? point_at(trial, step) : NULL;
    }
    for (size_t i = 0; i < trial->n_parts; i++) {
        if (trial->parts[i].part == part && trial->parts[i].point.step == step) {
            return &trial->parts[i].point;
        }
    }
    return NULL;
}

/* The value of a result: that of the trial where it ended with it, else as the fact has it. */
static double value_of_result(const struct one_call *call, const struct record_trial *trial,
                              size_t part)
{
    int64_t step = call->first->call.step;
    size_t n = def_of(call->calls)->n_objectives;

    if (trial->row.has_step && trial->row.step == step && trial->row.n_values == n) {
        return trial->row.values[part];
    }
    const struct schedule_record *fact = fact_with(call, part, step);
    if (fact != NULL) {
        return fact->value;
    }
    const struct record_point *point = part_at(trial, part, step);
    return point == NULL ? (double)NAN : point->value;
}

/* Several objectives: the bounded metrics of a result, likewise. */
static void note_violation_of_result(const struct one_call *call, const struct record_trial *trial)
{
    const struct study_def *def = def_of(call->calls);
    int64_t step = call->first->call.step;
    const struct schedule_record *fact = fact_with(call, def->n_objectives, step);

    if (trial->row.has_step && trial->row.step == step) {
        schedule_note_violation(call->calls->schedule, call->first->trial,
                                study_violation(def, trial_row_bounded(&trial->row)));
    } else if (fact != NULL) {
        schedule_note_violation(call->calls->schedule, call->first->trial, fact->value);
    }
}

/* Several objectives: the values of the step, of which not all were reported, came with a result.
 */
static int recall_own_parts(const struct one_call *call, int64_t step, struct err *err)
{
    const struct record_trial *trial = trial_of(call->calls, call->first->trial);

    note_violation_of_result(call, trial);
    for (size_t k = def_of(call->calls)->n_objectives; k-- > 0;) {
        const struct schedule_record *fact = fact_with(call, k, step);
        double value = fact != NULL ? fact->value : value_of_result(call, trial, k);
        TRY(schedule_recall(call->calls->schedule, call->first->trial, k, step, value, err));
    }
    return 0;
}

/* What the trial of the call had measured before it. A value that no report brought came with a
 * result, as its highest step; if a decision of this call rests on it, the fact of it has it. */
static int feed_own(const struct one_call *call, int64_t upto, struct err *err)
{
    const struct schedule_record *first = call->first;
    const struct record_trial *trial = trial_of(call->calls, first->trial);

    TRY(feed(call->calls, first->trial, upto, err));
    if (trial == NULL || upto < 0 || upto != first->call.reached) {
        return 0;
    }
    if (is_several(call->calls)) {
        return schedule_is_whole(call->calls->schedule, first->trial, upto)
                   ? 0
                   : recall_own_parts(call, upto, err);
    }
    if (point_at(trial, upto) != NULL) {
        return 0;
    }
    const struct schedule_record *fact = fact_with(call, 0, upto);
    return schedule_recall(call->calls->schedule, first->trial, 0, upto,
                           fact == NULL ? (double)NAN : fact->value, err);
}

static int measure_again(const struct one_call *call, struct err *err)
{
    const struct schedule_record *first = call->first;
    const struct record_trial *trial = trial_of(call->calls, first->trial);
    struct schedule *schedule = call->calls->schedule;
    int64_t step = first->call.step;
    struct schedule_answer answer;

    if (trial == NULL) {
        return 0;
    }
    bool is_result = (first->call.code & CALL_HELD) == 0;
    TRY(feed_own(call, first->call.reached < step - 1 ? first->call.reached : step - 1, err));
    if (is_several(call->calls) && is_result) {
        note_violation_of_result(call, trial);
    } else if (is_several(call->calls)) { /* the bounded metrics of the step itself */
        note_violation_at(call->calls, first->trial, step);
    }
    for (size_t k = def_of(call->calls)->n_objectives; k-- > 0;) {
        const struct record_point *point = part_at(trial, k, step);
        double value = is_result || point == NULL ? value_of_result(call, trial, k) : point->value;
        TRY(schedule_measure(schedule, &call->moment, first->trial, k, step, value, call->log,
                             &answer, err));
    }
    return 0;
}

static int replace_again(const struct one_call *call, struct err *err)
{
    const struct schedule_record *first = call->first;
    struct calls *calls = call->calls;
    const struct record_point *point = point_at(trial_of(calls, first->trial), first->call.step);

    if (point == NULL) {
        return 0;
    }
    if (schedule_wants_curves(calls->schedule)) {
        schedule_forget_curve(calls->schedule, first->trial);
        calls->fed[first->trial - 1] = -1;
    }
    TRY(feed_own(call, first->call.reached, err));
    return schedule_replace(calls->schedule, &call->moment, first->trial, 0, first->call.step,
                            point->value, call->log, err);
}

/* The result itself may have brought the value of its step, without a decision. */
static int recall_result(const struct one_call *call, struct err *err)
{
    const struct schedule_record *first = call->first;
    const struct record_trial *trial = trial_of(call->calls, first->trial);
    int64_t step = first->call.step;

    if (trial == NULL || step != first->call.reached) {
        return 0;
    }
    bool is_replaced = true;
    for (size_t k = 0; k < def_of(call->calls)->n_objectives; k++) {
        const struct schedule_record *fact = fact_with(call, k, step);
        double value = value_of_result(call, trial, k);
        is_replaced =
            is_replaced && fact != NULL && memcmp(&fact->value, &value, sizeof value) == 0;
    }
    if (is_several(call->calls)) {
        return is_replaced ? recall_own_parts(call, step, err) : 0;
    }
    return point_at(trial, step) == NULL || is_replaced ? schedule_recall(
               call->calls->schedule, first->trial, 0, step, value_of_result(call, trial, 0), err)
                                                        : 0;
}

static int finish_again(const struct one_call *call, struct err *err)
{
    const struct schedule_record *first = call->first;
    struct schedule_answer answer;

    TRY(feed_own(call, first->call.reached, err));
    TRY(recall_result(call, err));
    return schedule_finish(call->calls->schedule, &call->moment, first->trial, first->call.step,
                           call->log, &answer, err);
}

static int end_again(const struct one_call *call, struct err *err)
{
    const struct schedule_record *first = call->first;

    TRY(feed_own(call, first->call.reached, err));
    return schedule_end(call->calls->schedule, &call->moment, first->trial, first->fact, call->log,
                        err);
}

static int retry_again(const struct one_call *call, struct err *err)
{
    const struct schedule_record *first = call->first;

    TRY(schedule_retry(call->calls->schedule, &call->moment, first->trial, call->log, err));
    if (trial_of(call->calls, first->trial) != NULL) {
        call->calls->fed[first->trial - 1] = -1;
    }
    return feed_own(call, first->call.reached, err);
}

static int forecast_again(const struct one_call *call, struct err *err)
{
    const struct schedule_record *first = call->first;
    struct schedule_forecast forecast = {0};

    for (size_t i = 0; i < call->n; i++) {
        const struct schedule_record *record = &call->facts[i].record;
        double *const numbers[] = {&forecast.chance, &forecast.mean, &forecast.spread,
                                   &forecast.incumbent};
        if (record->fact >= FACT_CHANCE && record->fact <= FACT_INCUMBENT) {
            *numbers[record->fact - FACT_CHANCE] = record->value;
            forecast.known = true;
        }
    }
    TRY(feed_own(call, first->call.reached, err));
    return schedule_apply_forecast(call->calls->schedule, &call->moment, first->trial,
                                   first->call.step, &forecast, call->log, err);
}

static int tick_again(const struct one_call *call, struct err *err)
{
    int64_t next_ms;

    return schedule_tick(call->calls->schedule, &call->moment, call->log, &next_ms, err);
}

/* What other trials had measured, as far as the facts of this call rest on it. */
static int feed_others(const struct one_call *call, struct err *err)
{
    unsigned kind = call->first->call.code & CALL_KIND_MASK;
    int64_t own = kind == CALL_TICK || kind == CALL_SEAL ? 0 : call->first->trial;

    for (size_t i = 0; i < call->n; i++) {
        const struct schedule_record *record = &call->facts[i].record;
        bool rests_on_it = record->fact == FACT_VALUE || record->fact == FACT_LATE;
        if (rests_on_it && record->trial != own) {
            TRY(feed(call->calls, record->trial, record->step, err));
        }
    }
    return 0;
}

static int make(const struct one_call *call, struct err *err)
{
    TRY(feed_others(call, err));
    switch ((enum schedule_call_kind)(call->first->call.code & CALL_KIND_MASK)) {
    case CALL_TAKE:
        return take_again(call, err);
    case CALL_MEASURE:
        return measure_again(call, err);
    case CALL_REPLACE:
        return replace_again(call, err);
    case CALL_FINISH:
        return finish_again(call, err);
    case CALL_END:
        return end_again(call, err);
    case CALL_RETRY:
        return retry_again(call, err);
    case CALL_SEAL:
        return schedule_seal(call->calls->schedule, &call->moment, call->log, err);
    case CALL_TICK:
        return tick_again(call, err);
    case CALL_FORECAST:
        return forecast_again(call, err);
    case CALL_NONE:
    default:
        return 0;
    }
}

/* ---- one after the other ---- */

bool calls_same_fact(const struct schedule_record *a, const struct schedule_record *b)
{
    bool both_nan = isnan(a->value) && isnan(b->value);

    return a->fact == b->fact && a->trial == b->trial && a->bracket == b->bracket
           && a->step == b->step
           && (both_nan || memcmp(&a->value, &b->value, sizeof a->value) == 0);
}

static bool is_same_log(const struct record_fact facts[], size_t n, const struct schedule_log *log)
{
    for (size_t i = 0; i < n && i < log->n; i++) {
        if (!calls_same_fact(&facts[i].record, &log->items[i])) {
            return false;
        }
    }
    return n == log->n;
}

/* The schedule as the stored facts before the next one make it. */
static int build_again(struct calls *calls, struct err *err)
{
    const struct study_record *record = calls->record;
    size_t n_events = calls->next_event;
    struct schedule *made;

    TRY(schedule_create(study_record_def(record)->def, &made, err));
    schedule_destroy(calls->schedule);
    calls->schedule = made;
    for (size_t i = 0; i < calls->next; i++) {
        TRY(schedule_load(made, &record->facts[i].record, err));
    }
    for (size_t i = 0; i < record->n_trials; i++) {
        int64_t fed = calls->fed[i];
        calls->fed[i] = -1;
        TRY(feed(calls, (int64_t)i + 1, fed, err));
    }
    int64_t seq = n_events == 0 ? 0 : record->events[n_events - 1].seq;
    for (size_t i = 0; i < record->n_trials; i++) {
        const struct record_event *event = past_event(&record->trials[i], seq);
        if (event != NULL && event->kind == EVENT_TRIAL_RUNNING) {
            schedule_hold(made, event->trial, schedule_answer(made, event->trial).until);
        }
    }
    return 0;
}

/* How many facts belong to the call that begins here: up to the next one that begins a call. Those
 * of which no call is kept are one each. */
static size_t count_facts(const struct study_record *record, size_t first)
{
    size_t n = 1;

    while (record->facts[first].record.call.code != 0 && first + n < record->n_facts
           && record->facts[first + n].record.call.code == 0) {
        n++;
    }
    return n;
}

/* A call that fails stands for one that decides nothing; but for want of memory. */
static int make_kept(struct calls *calls, struct call_again *again, struct err *err)
{
    const struct record_fact *facts = &calls->record->facts[again->first];
    const struct schedule_record *first = &facts[0].record;
    const struct one_call call = {
        .calls = calls,
        .facts = facts,
        .n = again->n,
        .first = first,
        .moment = {.now_ms = first->at_ms,
                   .may_start = (first->call.code & CALL_MAY_START) != 0,
                   .may_promote = (first->call.code & CALL_MAY_PROMOTE) != 0},
        .log = &again->log,
    };
    struct err why = {0};

    bool is_taken = (first->call.code & CALL_KIND_MASK) == CALL_TAKE; /* its lease is the call's */
    TRY(follow_leases(calls, facts[0].seq, is_taken ? first->trial : 0, err));
    if ((first->call.code & CALL_HELD) == 0) {
        schedule_release(calls->schedule, first->trial);
    }
    if (make(&call, &why) != 0 && why.code == ERR_NOMEM) {
        *err = why;
        return -1;
    }
    return 0;
}

int calls_make_next(struct calls *calls, struct call_again *again, struct err *err)
{
    const struct study_record *record = calls->record;
    const struct record_fact *facts = &record->facts[calls->next];

    *again = (struct call_again){.first = calls->next,
                                 .n = count_facts(record, calls->next),
                                 .is_kept = facts[0].record.call.code != 0};
    calls->next += again->n;
    if (!again->is_kept) {
        return schedule_load(calls->schedule, &facts[0].record, err);
    }
    TRY(make_kept(calls, again, err));
    return is_same_log(facts, again->n, &again->log) ? 0 : build_again(calls, err);
}

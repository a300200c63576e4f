#include "server/schedule/schedule.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/schedule/kinds.h"

/* ---- making and unmaking ---- */

static bool keeps_seats(const struct schedule *schedule)
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
    schedule_options_read(study, &made->options, &faults);
    stopping_read(study, &made->stopping, &faults);
    int faulty = faults_result(&faults, err);
    faults_finish(&faults);
    TRY(faulty);
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
    for (size_t i = 0; i < schedule->n_seats; i++) {
        free(schedule->seats[i].ahead);
        curve_destroy(schedule->seats[i].curve);
    }
    free((void *)schedule->brackets);
    free((void *)schedule->open);
    free(schedule->seats);
    stopping_finish(&schedule->stopping);
    free(schedule);
}

/* ---- facts ---- */

const char *schedule_fact_name(enum schedule_fact fact)
{
    static const char *const names[FACT_COUNT] = {
        [FACT_START] = "start",     [FACT_VALUE] = "value",         [FACT_SHORT] = "short",
        [FACT_PROMOTE] = "promote", [FACT_LOSE] = "lose",           [FACT_LATE] = "late",
        [FACT_MEDIAN] = "median",   [FACT_THRESHOLD] = "threshold", [FACT_FAIL] = "fail",
        [FACT_CANCEL] = "cancel",   [FACT_SEAL] = "seal",           [FACT_UNLOCK] = "unlock",
        [FACT_DROP] = "drop",       [FACT_CHANCE] = "chance",       [FACT_MEAN] = "mean",
        [FACT_SPREAD] = "spread",   [FACT_INCUMBENT] = "incumbent",
    };

    return names[fact];
}

void schedule_log_finish(struct schedule_log *log)
{
    free(log->items);
    *log = (struct schedule_log){0};
}

bool schedule_has_facts(const struct schedule *schedule)
{
    return keeps_seats(schedule);
}

bool schedule_is_predictive(const struct schedule *schedule)
{
    return schedule->options.mode == ASHA_PREDICTIVE;
}

bool schedule_wants_curves(const struct schedule *schedule)
{
    return schedule->stopping.rule == STOPPING_MEDIAN;
}

/* Applies a fact and tells the caller. */
static int happen(struct schedule *schedule, const struct schedule_record *record,
                  struct schedule_log *log, struct err *err)
{
    if (log->n == log->cap) {
        size_t cap = log->cap == 0 ? 8 : log->cap * 2;
        struct schedule_record *grown = realloc(log->items, cap * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        log->items = grown;
        log->cap = cap;
    }
    TRY(schedule_apply(schedule, record, err));
    log->items[log->n++] = *record;
    return 0;
}

/* A fact about one trial, in its bracket. */
static int happen_to(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                     enum schedule_fact fact, int64_t step, double value, struct schedule_log *log,
                     struct err *err)
{
    const struct schedule_record record = {
        .fact = fact,
        .trial = trial,
        .bracket = schedule_seat(schedule, trial)->bracket,
        .step = step,
        .value = value,
        .at_ms = moment->now_ms,
    };

    return happen(schedule, &record, log, err);
}

int schedule_load(struct schedule *schedule, const struct schedule_record *record, struct err *err)
{
    if (record->fact < FACT_START || record->fact >= FACT_COUNT) {
        return err_set(err, ERR_IO, "a stored fact of trial %" PRId64 " is of unknown kind",
                       record->trial);
    }
    return schedule_apply(schedule, record, err);
}

int schedule_recall(struct schedule *schedule, int64_t trial, int64_t step, double value,
                    struct err *err)
{
    return schedule_note(schedule, trial, step, schedule_cost(schedule, value), err);
}

void schedule_hold(struct schedule *schedule, int64_t trial, int64_t to)
{
    struct seat *seat = schedule_seat(schedule, trial);

    if (seat != NULL) {
        seat->held = true;
        seat->granted = to;
    }
}

void schedule_release(struct schedule *schedule, int64_t trial)
{
    struct seat *seat = schedule_seat(schedule, trial);

    if (seat != NULL) {
        seat->held = false;
    }
}

/* ---- what becomes of the others ---- */

static struct rung *rung_of(const struct schedule *schedule, const struct seat *seat)
{
    return &schedule->brackets[seat->bracket]->rungs[seat->rung];
}

/* Can the trial's value at its rung be told without any more training? */
static bool owes_nothing(const struct schedule *schedule, const struct seat *seat)
{
    return seat->is_short || seat->n_ahead > 0 || seat->last.step >= rung_of(schedule, seat)->level;
}

static enum fate fate_of(const struct schedule *schedule, int64_t trial, bool arriving)
{
    const struct seat *seat = schedule_seat(schedule, trial);

    return schedule->kind->fate(schedule, schedule->brackets[seat->bracket], seat->rung, seat->cost,
                                trial, arriving);
}

/* The value at the rung: the last one at or before its level; else the first one past it; NaN if
 * nothing was ever measured. */
static struct point value_at_rung(const struct seat *seat, int64_t level)
{
    if (seat->last.step >= 0) {
        return seat->last;
    }
    if (seat->n_ahead > 0) {
        return seat->ahead[0];
    }
    return (struct point){.step = level, .cost = (double)NAN};
}

/* Enters the trial's value at its rung and decides about it, once. */
static int enter_rung(struct schedule *schedule, const struct schedule_moment *moment,
                      int64_t trial, struct schedule_log *log, struct err *err)
{
    const struct seat *seat = schedule_seat(schedule, trial);
    const struct bracket *bracket = schedule->brackets[seat->bracket];
    int64_t level = rung_of(schedule, seat)->level;
    struct point point = value_at_rung(seat, level);

    TRY(happen_to(schedule, moment, trial, FACT_VALUE, point.step,
                  schedule_cost(schedule, point.cost), log, err));
    if (seat->rung == schedule->cap && schedule->kind->unlocks(schedule, bracket)) {
        TRY(happen_to(schedule, moment, trial, FACT_UNLOCK, level, (double)NAN, log, err));
    }
    if (seat->state != SEAT_WAITING) {
        return 0;
    }
    enum fate fate = fate_of(schedule, trial, true);
    if (fate == FATE_LOSES) {
        return happen_to(schedule, moment, trial, FACT_LOSE, level, (double)NAN, log, err);
    }
    bool can_go = seat_needs_no_lease(bracket, seat) || (seat->held && moment->may_promote);
    if (fate == FATE_ADVANCES && can_go) {
        return happen_to(schedule, moment, trial, FACT_PROMOTE,
                         bracket->rungs[seat->rung + 1].level, (double)NAN, log, err);
    }
    return 0;
}

/* Enters every rung whose value is known by now. */
static int climb(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                 struct schedule_log *log, struct err *err)
{
    const struct seat *seat = schedule_seat(schedule, trial);

    while (seat->state == SEAT_RUNNING && owes_nothing(schedule, seat)) {
        TRY(enter_rung(schedule, moment, trial, log, err));
    }
    return 0;
}

/* Those who can no longer be among the best of a sized rung. */
static int drop_losers(struct schedule *schedule, const struct schedule_moment *moment,
                       const struct rung *rung, struct schedule_log *log, struct err *err)
{
    while (rung->size > 0 && rung->waiting.n > 0) {
        int64_t worst = ranking_at(&rung->waiting, rung->waiting.n - 1).trial;
        if (fate_of(schedule, worst, false) != FATE_LOSES) {
            break;
        }
        TRY(happen_to(schedule, moment, worst, FACT_LOSE, rung->level, (double)NAN, log, err));
    }
    return 0;
}

/* A trial that may go on and needs no lease for it; 0 if there is none. Where ranks decide, nobody
 * behind one that may not go on may. */
static int64_t find_auto(const struct schedule *schedule, const struct bracket *bracket,
                         const struct rung *rung)
{
    for (size_t k = 0; rung->n_auto > 0 && k < rung->waiting.n; k++) {
        int64_t trial = ranking_at(&rung->waiting, k).trial;
        if (fate_of(schedule, trial, false) != FATE_ADVANCES) {
            if (schedule_is_predictive(schedule)) {
                continue;
            }
            break;
        }
        if (seat_needs_no_lease(bracket, schedule_seat(schedule, trial))) {
            return trial;
        }
    }
    return 0;
}

/* Draws every conclusion that a new fact in this bracket allows. */
static int settle(struct schedule *schedule, const struct schedule_moment *moment,
                  const struct bracket *bracket, struct schedule_log *log, struct err *err)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (size_t i = 0; i + 1 < bracket->n_rungs; i++) {
            const struct rung *rung = &bracket->rungs[i];
            TRY(drop_losers(schedule, moment, rung, log, err));
            int64_t trial = find_auto(schedule, bracket, rung);
            if (trial != 0) {
                TRY(happen_to(schedule, moment, trial, FACT_PROMOTE, bracket->rungs[i + 1].level,
                              (double)NAN, log, err));
                TRY(climb(schedule, moment, trial, log, err));
                changed = true;
            }
        }
    }
    return 0;
}

static int settle_around(struct schedule *schedule, const struct schedule_moment *moment,
                         int64_t trial, struct schedule_log *log, struct err *err)
{
    int bracket = schedule_seat(schedule, trial)->bracket;

    return settle(schedule, moment, schedule->brackets[bracket], log, err);
}

/* ---- the life of a trial ---- */

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
    const struct schedule_record record = {
        .fact = offer->kind == OFFER_NEW ? FACT_START : FACT_PROMOTE,
        .trial = trial,
        .bracket = offer->bracket,
        .step = offer->until,
        .value = (double)NAN,
        .at_ms = moment->now_ms,
    };

    if (!keeps_seats(schedule)) {
        return 0;
    }
    TRY(happen(schedule, &record, log, err));
    schedule_hold(schedule, trial, offer->until);
    return 0;
}

struct schedule_answer schedule_answer(const struct schedule *schedule, int64_t trial)
{
    static const enum schedule_verdict verdicts[] = {
        [SEAT_NONE] = VERDICT_RUN,          [SEAT_RUNNING] = VERDICT_RUN,
        [SEAT_WAITING] = VERDICT_PAUSE,     [SEAT_LOST] = VERDICT_PRUNE,
        [SEAT_STOPPED] = VERDICT_PRUNE,     [SEAT_DIVERGED] = VERDICT_FAIL,
        [SEAT_COMPLETE] = VERDICT_COMPLETE, [SEAT_ENDED] = VERDICT_PRUNE,
    };
    const struct seat *seat = schedule_seat(schedule, trial);
    struct schedule_answer answer = {.has_until = schedule->study->has_resource};

    if (seat == NULL) {
        answer.until = answer.has_until ? schedule->study->resource_max : 0;
        return answer;
    }
    answer.verdict = verdicts[seat->state];
    if (schedule_is_predictive(schedule)) { /* nothing pauses: it trains on until it is out */
        answer.verdict = seat->state == SEAT_WAITING ? VERDICT_RUN : answer.verdict;
        answer.until = schedule->study->resource_max;
        return answer;
    }
    if (seat->is_short && (seat->state == SEAT_WAITING || seat->state == SEAT_LOST)) {
        answer.verdict = VERDICT_COMPLETE;
    }
    answer.until = answer.has_until ? rung_of(schedule, seat)->level : 0;
    return answer;
}

/* Does the stopping rule end the trial whose newest measurement this is? */
static int obey_rule(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                     int64_t step, double cost, bool first_look, struct schedule_log *log,
                     struct err *err)
{
    const struct stopping *stopping = &schedule->stopping;
    const struct seat *seat = schedule_seat(schedule, trial);
    double median = (double)NAN;

    if (schedule->study->has_resource && step >= schedule->study->resource_max) {
        return 0; /* it is complete */
    }
    if (stopping->rule == STOPPING_MEDIAN
        && median_stops(stopping, seat->curve, step, cost, &median)) {
        return happen_to(schedule, moment, trial, FACT_MEDIAN, step,
                         schedule_cost(schedule, median), log, err);
    }
    if (stopping->rule == STOPPING_THRESHOLD && first_look && seat->judged
        && !(cost <= stopping->cost)) {
        return happen_to(schedule, moment, trial, FACT_THRESHOLD, step,
                         schedule_cost(schedule, stopping->cost), log, err);
    }
    return 0;
}

int schedule_measure(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                     int64_t step, double value, struct schedule_log *log,
                     struct schedule_answer *answer, struct err *err)
{
    const struct seat *seat = schedule_seat(schedule, trial);
    double cost = schedule_cost(schedule, value);

    if (seat == NULL) {
        *answer = schedule_answer(schedule, trial);
        if (answer->has_until && step >= answer->until) {
            answer->verdict = VERDICT_COMPLETE;
        }
        return 0;
    }
    bool is_training = seat->state == SEAT_RUNNING
                       || (seat->state == SEAT_WAITING && schedule_is_predictive(schedule));
    if (is_training || seat->state == SEAT_WAITING) {
        bool first_look = !seat->judged;
        bool is_news = step > seat_reach(seat);
        TRY(schedule_note(schedule, trial, step, cost, err));
        if (is_training && is_news) {
            TRY(obey_rule(schedule, moment, trial, step, cost, first_look, log, err));
        }
        TRY(climb(schedule, moment, trial, log, err));
        TRY(settle_around(schedule, moment, trial, log, err));
    }
    *answer = schedule_answer(schedule, trial);
    return 0;
}

/* The job has ended at `step` while the schedule wanted more. */
static int end_early(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                     int64_t step, struct schedule_log *log, struct err *err)
{
    const struct seat *seat = schedule_seat(schedule, trial);
    int64_t level = rung_of(schedule, seat)->level;
    bool promoted_meanwhile = schedule->study->has_resource && seat->granted < level;

    if (step < level && promoted_meanwhile && step >= seat->granted) {
        return 0; /* it did what it had been told: the promotion stands, the trial goes out again */
    }
    if (step < level && schedule->study->has_resource) {
        TRY(happen_to(schedule, moment, trial, FACT_SHORT, step, (double)NAN, log, err));
    }
    TRY(enter_rung(schedule, moment, trial, log, err));
    return climb(schedule, moment, trial, log, err);
}

int schedule_finish(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                    int64_t step, struct schedule_log *log, struct schedule_answer *answer,
                    struct err *err)
{
    struct seat *seat = schedule_seat(schedule, trial);

    if (seat == NULL) {
        *answer = schedule_answer(schedule, trial);
        answer->verdict = VERDICT_COMPLETE;
        return 0;
    }
    seat->held = false;
    if (seat->state == SEAT_RUNNING) {
        TRY(end_early(schedule, moment, trial, step, log, err));
        TRY(settle_around(schedule, moment, trial, log, err));
    } else if (seat->state == SEAT_WAITING && schedule_is_predictive(schedule)) {
        /* it was to train to the end and has left before the model spoke */
        TRY(happen_to(schedule, moment, trial, FACT_SHORT, step, (double)NAN, log, err));
        TRY(settle_around(schedule, moment, trial, log, err));
    }
    *answer = schedule_answer(schedule, trial);
    return 0;
}

/* ---- the model's word ---- */

bool schedule_awaits(const struct schedule *schedule, int64_t trial, int64_t *level)
{
    const struct seat *seat = schedule_seat(schedule, trial);

    if (seat == NULL || seat->state != SEAT_WAITING || !schedule_is_predictive(schedule)) {
        return false;
    }
    *level = rung_of(schedule, seat)->level;
    return true;
}

static bool goes_on(const struct schedule *schedule, const struct seat *seat,
                    const struct schedule_word *word)
{
    const struct bracket *bracket = schedule->brackets[seat->bracket];

    if (word->known) {
        return !(word->chance < schedule->options.delta);
    }
    size_t others = ranking_rank(&rung_of(schedule, seat)->all, seat->cost, INT64_MAX) - 1;
    return others < schedule->kind->n_advance(schedule, bracket, seat->rung);
}

static int note_word(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                     int64_t level, const struct schedule_word *word, struct schedule_log *log,
                     struct err *err)
{
    TRY(happen_to(schedule, moment, trial, FACT_CHANCE, level, word->chance, log, err));
    TRY(happen_to(schedule, moment, trial, FACT_MEAN, level, word->mean, log, err));
    TRY(happen_to(schedule, moment, trial, FACT_SPREAD, level, word->spread, log, err));
    return happen_to(schedule, moment, trial, FACT_INCUMBENT, level, word->incumbent, log, err);
}

int schedule_judge(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                   int64_t level, const struct schedule_word *word, struct schedule_log *log,
                   struct err *err)
{
    const struct seat *seat = schedule_seat(schedule, trial);
    int64_t awaited;

    if (!schedule_awaits(schedule, trial, &awaited) || awaited != level) {
        return 0;
    }
    if (word->known) {
        TRY(note_word(schedule, moment, trial, level, word, log, err));
    }
    if (!goes_on(schedule, seat, word)) {
        return happen_to(schedule, moment, trial, FACT_LOSE, level, (double)NAN, log, err);
    }
    const struct bracket *bracket = schedule->brackets[seat->bracket];
    TRY(happen_to(schedule, moment, trial, FACT_PROMOTE, bracket->rungs[seat->rung + 1].level,
                  (double)NAN, log, err));
    return climb(schedule, moment, trial, log, err);
}

int schedule_end(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                 enum schedule_fact how, struct schedule_log *log, struct err *err)
{
    struct seat *seat = schedule_seat(schedule, trial);

    if (seat == NULL) {
        return 0;
    }
    seat->held = false;
    if (seat->state != SEAT_RUNNING && seat->state != SEAT_WAITING) {
        return 0;
    }
    TRY(happen_to(schedule, moment, trial, how, seat->last.step, (double)NAN, log, err));
    return settle_around(schedule, moment, trial, log, err);
}

int schedule_seal(struct schedule *schedule, const struct schedule_moment *moment,
                  struct schedule_log *log, struct err *err)
{
    for (size_t i = schedule->n_open; i-- > 0;) { /* a bracket that is done leaves the list */
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
        TRY(happen(schedule, &record, log, err));
        TRY(settle(schedule, moment, bracket, log, err));
    }
    return 0;
}

/* ---- stragglers ---- */

/* When the rung's outstanding trials have had their time: twice the 90th percentile of those who
 * reported, once a quorum has; INT64_MAX before. */
static int64_t patience_ms(const struct schedule *schedule, const struct bracket *bracket,
                           size_t rung)
{
    const struct rung *here = &bracket->rungs[rung];
    double needed = schedule->options.quorum * (double)here->started;

    if (bracket_outstanding(bracket, rung) != here->started - here->reported || here->n_spans == 0
        || (double)here->n_spans < needed) {
        return INT64_MAX; /* more are still to come, or too few have reported */
    }
    int64_t late = here->spans_ms[(here->n_spans * 9 + 9) / 10 - 1];
    return late > INT64_MAX / 4 ? INT64_MAX : 2 * late;
}

static int drop_stragglers(struct schedule *schedule, const struct schedule_moment *moment,
                           const struct bracket *bracket, size_t rung, struct schedule_log *log,
                           int64_t *next_ms, struct err *err)
{
    int64_t patience = patience_ms(schedule, bracket, rung);

    for (size_t trial = 1; patience < INT64_MAX && trial < schedule->n_seats; trial++) {
        const struct seat *seat = &schedule->seats[trial];
        if (seat->state != SEAT_RUNNING || seat->bracket != bracket->index || seat->rung != rung) {
            continue;
        }
        int64_t due = seat->since_ms + patience;
        if (moment->now_ms > due) {
            TRY(happen_to(schedule, moment, (int64_t)trial, FACT_LATE, seat->last.step, (double)NAN,
                          log, err));
        } else if (due < *next_ms) {
            *next_ms = due;
        }
    }
    return 0;
}

int schedule_tick(struct schedule *schedule, const struct schedule_moment *moment,
                  struct schedule_log *log, int64_t *next_ms, struct err *err)
{
    *next_ms = INT64_MAX;
    for (size_t i = schedule->options.quorum > 0 ? schedule->n_open : 0; i-- > 0;) {
        const struct bracket *bracket = schedule->open[i];
        for (size_t rung = 0; rung < bracket->n_rungs; rung++) {
            if (bracket->rungs[rung].started > bracket->rungs[rung].reported) {
                TRY(drop_stragglers(schedule, moment, bracket, rung, log, next_ms, err));
            }
        }
        TRY(settle(schedule, moment, bracket, log, err));
    }
    return 0;
}

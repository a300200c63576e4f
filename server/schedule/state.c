#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/schedule/kinds.h"

/* ---- seats ---- */

double schedule_cost(const struct schedule *schedule, double value)
{
    return study_cost(schedule->study, value);
}

struct seat *schedule_seat(const struct schedule *schedule, int64_t trial)
{
    if (trial < 0 || (size_t)trial >= schedule->n_seats
        || schedule->seats[trial].state == SEAT_NONE) {
        return NULL;
    }
    return &schedule->seats[trial];
}

static int make_seat(struct schedule *schedule, int64_t trial, struct err *err)
{
    if ((size_t)trial >= schedule->n_seats) {
        size_t n = (size_t)trial + 16 + (size_t)trial / 2;
        struct seat *grown = realloc(schedule->seats, n * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        memset(grown + schedule->n_seats, 0, (n - schedule->n_seats) * sizeof *grown);
        schedule->seats = grown;
        schedule->n_seats = n;
    }
    return 0;
}

int64_t seat_reach(const struct seat *seat)
{
    return seat->n_ahead > 0 ? seat->ahead[seat->n_ahead - 1].step : seat->last.step;
}

bool seat_needs_no_lease(const struct bracket *bracket, const struct seat *seat)
{
    return seat->is_short
           || (seat->rung + 1 < bracket->n_rungs
               && seat_reach(seat) >= bracket->rungs[seat->rung + 1].level);
}

static int push_ahead(struct seat *seat, struct point point, struct err *err)
{
    if (seat->n_ahead == seat->cap_ahead) {
        size_t cap = seat->cap_ahead == 0 ? 4 : seat->cap_ahead * 2;
        struct point *grown = realloc(seat->ahead, cap * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        seat->ahead = grown;
        seat->cap_ahead = cap;
    }
    seat->ahead[seat->n_ahead++] = point;
    return 0;
}

/* What was measured ahead and lies within the goal now. */
static void absorb(struct seat *seat, int64_t level)
{
    size_t n = 0;

    while (n < seat->n_ahead && seat->ahead[n].step <= level) {
        seat->last = seat->ahead[n++];
    }
    if (n > 0) {
        seat->n_ahead -= n;
        memmove(seat->ahead, seat->ahead + n, seat->n_ahead * sizeof *seat->ahead);
    }
}

static int note_point(struct seat *seat, int64_t level, struct point point, struct err *err)
{
    if (point.step == seat->last.step && seat->state == SEAT_RUNNING) {
        seat->last = point; /* a result's own value stands above a measurement */
        return 0;
    }
    if (point.step <= seat_reach(seat)) {
        return 0; /* a step already known informs nobody */
    }
    if (point.step <= level && seat->n_ahead == 0) {
        seat->last = point;
        return 0;
    }
    return push_ahead(seat, point, err);
}

int schedule_note(struct schedule *schedule, int64_t trial, int64_t step, double cost,
                  struct err *err)
{
    struct seat *seat = schedule_seat(schedule, trial);
    struct stopping *stopping = &schedule->stopping;

    if (seat == NULL) {
        return 0;
    }
    if (stopping->rule == STOPPING_MEDIAN) {
        TRY(median_note(stopping, &seat->curve, step, cost, err));
    }
    if (stopping->rule == STOPPING_THRESHOLD && step >= stopping->step) {
        seat->judged = true;
    }
    if (seat->state != SEAT_RUNNING && seat->state != SEAT_WAITING) {
        return 0;
    }
    struct bracket *bracket = schedule->brackets[seat->bracket];
    bool before = seat_needs_no_lease(bracket, seat);
    TRY(note_point(seat, bracket->rungs[seat->rung].level, (struct point){step, cost}, err));
    if (seat->state == SEAT_WAITING && !before && seat_needs_no_lease(bracket, seat)) {
        bracket->rungs[seat->rung].n_auto++;
    }
    return 0;
}

/* ---- brackets ---- */

void bracket_destroy(struct bracket *bracket)
{
    if (bracket == NULL) {
        return;
    }
    for (size_t i = 0; bracket->rungs != NULL && i < bracket->n_rungs; i++) {
        ranking_finish(&bracket->rungs[i].all);
        ranking_finish(&bracket->rungs[i].waiting);
        free(bracket->rungs[i].spans_ms);
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

static int reserve_brackets(struct schedule *schedule, struct err *err)
{
    if (schedule->n_brackets < schedule->cap_brackets) {
        return 0;
    }
    size_t cap = schedule->cap_brackets == 0 ? 8 : schedule->cap_brackets * 2;
    void *all = realloc((void *)schedule->brackets, cap * sizeof(struct bracket *));
    if (all == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    schedule->brackets = all;
    void *open = realloc((void *)schedule->open, cap * sizeof(struct bracket *));
    if (open == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    schedule->open = open;
    schedule->cap_brackets = cap;
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

/* ---- facts ---- */

static int misfit(const struct schedule_record *record, struct err *err)
{
    return err_set(err, ERR_IO, "the stored fact \"%s\" of trial %" PRId64 " does not fit",
                   schedule_fact_name(record->fact), record->trial);
}

static int apply_start(struct schedule *schedule, const struct schedule_record *record,
                       struct err *err)
{
    if (record->trial < 1 || record->bracket < 0 || record->bracket > (int64_t)schedule->n_brackets
        || schedule_seat(schedule, record->trial) != NULL) {
        return misfit(record, err);
    }
    TRY(make_seat(schedule, record->trial, err));
    if (record->bracket == (int64_t)schedule->n_brackets) {
        TRY(bracket_open(schedule, err));
    }
    struct bracket *bracket = schedule->brackets[record->bracket];
    struct rung *rung = &bracket->rungs[0];
    if (rung->size > 0 && (int64_t)rung->started >= rung->size) {
        return misfit(record, err);
    }
    rung->started++;
    bracket->is_sealed = bracket->is_sealed && rung->size > 0;
    schedule->seats[record->trial] = (struct seat){.state = SEAT_RUNNING,
                                                   .bracket = bracket->index,
                                                   .last = {.step = -1},
                                                   .since_ms = record->at_ms};
    return 0;
}

/* Remembers how long the value took, in order. */
static int keep_span(struct rung *rung, int64_t span_ms, struct err *err)
{
    if (rung->n_spans == rung->cap_spans) {
        size_t cap = rung->cap_spans == 0 ? 8 : rung->cap_spans * 2;
        int64_t *grown = realloc(rung->spans_ms, cap * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        rung->spans_ms = grown;
        rung->cap_spans = cap;
    }
    size_t at = rung->n_spans++;
    for (; at > 0 && rung->spans_ms[at - 1] > span_ms; at--) {
        rung->spans_ms[at] = rung->spans_ms[at - 1];
    }
    rung->spans_ms[at] = span_ms;
    return 0;
}

static int complete(struct schedule *schedule, struct seat *seat, struct err *err)
{
    if (schedule->stopping.rule == STOPPING_MEDIAN) {
        return median_complete(&schedule->stopping, &seat->curve, err);
    }
    return 0;
}

/* Nothing will be measured for this trial any more. */
static void retire(struct seat *seat, enum seat_state state)
{
    seat->state = state;
    free(seat->ahead);
    seat->ahead = NULL;
    seat->n_ahead = 0;
    seat->cap_ahead = 0;
}

/* Unless the value is not finite, or the last one there is. */
static int enter_value(struct schedule *schedule, const struct schedule_record *record,
                       struct seat *seat, enum seat_state to, struct err *err)
{
    struct bracket *bracket = schedule->brackets[seat->bracket];
    struct rung *rung = &bracket->rungs[seat->rung];

    seat->cost = schedule_cost(schedule, record->value);
    seat->has_word = false;
    if (record->step > seat->last.step && record->step <= rung->level) {
        seat->last =
            (struct point){record->step, seat->cost}; /* after a start nothing else knows */
    }
    rung->reported++;
    if (schedule->options.quorum > 0) {
        TRY(keep_span(rung, record->at_ms - seat->since_ms, err));
    }
    if (!isfinite(seat->cost)) {
        retire(seat, SEAT_DIVERGED);
        return 0;
    }
    TRY(ranking_insert(&rung->all, seat->cost, record->trial, err));
    if (seat->rung + 1 == bracket->n_rungs) {
        retire(seat, SEAT_COMPLETE);
        return complete(schedule, seat, err);
    }
    seat->state = to;
    rung->n_auto += seat_needs_no_lease(bracket, seat);
    return ranking_insert(&rung->waiting, seat->cost, record->trial, err);
}

/* Takes a waiting trial off the list of those who are undecided. */
static void leave_waiting(struct schedule *schedule, const struct seat *seat, int64_t trial)
{
    struct bracket *bracket = schedule->brackets[seat->bracket];
    struct rung *rung = &bracket->rungs[seat->rung];

    rung->n_auto -= seat_needs_no_lease(bracket, seat);
    (void)ranking_remove(&rung->waiting, seat->cost, trial);
}

static int climb_on(struct schedule *schedule, const struct schedule_record *record,
                    struct seat *seat, enum seat_state to, struct err *err)
{
    struct bracket *bracket = schedule->brackets[seat->bracket];

    if (seat->rung + 1 >= bracket->n_rungs) {
        return misfit(record, err);
    }
    leave_waiting(schedule, seat, record->trial);
    seat->rung++;
    seat->state = to;
    seat->before = seat->cost;
    seat->since_ms = record->at_ms;
    bracket->rungs[seat->rung].started++;
    absorb(seat, bracket->rungs[seat->rung].level);
    return 0;
}

/* Out before it has told anything at its rung: nobody waits for it there any more. */
static int give_up(struct schedule *schedule, const struct schedule_record *record,
                   struct seat *seat, enum seat_state to, struct err *err)
{
    (void)record;
    (void)err;
    schedule->brackets[seat->bracket]->rungs[seat->rung].reported++;
    retire(seat, to);
    return 0;
}

static int drop_out(struct schedule *schedule, const struct schedule_record *record,
                    struct seat *seat, enum seat_state to, struct err *err)
{
    (void)err;
    leave_waiting(schedule, seat, record->trial);
    retire(seat, to);
    return 0;
}

/* The trial's value stands at every later rung: it needs no lease to go on. */
static int cut_short(struct schedule *schedule, const struct schedule_record *record,
                     struct seat *seat, enum seat_state to, struct err *err)
{
    const struct bracket *bracket = schedule->brackets[seat->bracket];

    (void)record;
    if (to == SEAT_WAITING && !seat_needs_no_lease(bracket, seat)) {
        bracket->rungs[seat->rung].n_auto++;
    }
    seat->is_short = true;
    return complete(schedule, seat, err);
}

/* One of the numbers that the model gave. */
static int note_number(struct schedule *schedule, const struct schedule_record *record,
                       struct seat *seat, enum seat_state to, struct err *err)
{
    (void)schedule;
    (void)to;
    (void)err;
    if (record->fact == FACT_CHANCE) {
        seat->has_word = true;
        seat->word = (struct schedule_word){.known = true, .chance = record->value};
    } else if (record->fact == FACT_MEAN) {
        seat->word.mean = record->value;
    } else if (record->fact == FACT_SPREAD) {
        seat->word.spread = record->value;
    } else {
        seat->word.incumbent = record->value;
    }
    return 0;
}

/* The state machine of a seat: what a fact does in which state, and to where. A place left empty
 * cannot be: the stored facts are damaged. Nothing leads out of the other states. */
static const struct effect {
    int (*apply)(struct schedule *schedule, const struct schedule_record *record, struct seat *seat,
                 enum seat_state to, struct err *err);
    enum seat_state to;
} effects[SEAT_STATE_COUNT][FACT_COUNT] = {
    [SEAT_RUNNING] =
        {
            [FACT_VALUE] = {enter_value, SEAT_WAITING}, /* or diverged, or complete */
            [FACT_SHORT] = {cut_short, SEAT_RUNNING},
            [FACT_LOSE] = {give_up, SEAT_LOST},
            [FACT_LATE] = {give_up, SEAT_LOST},
            [FACT_MEDIAN] = {give_up, SEAT_STOPPED},
            [FACT_THRESHOLD] = {give_up, SEAT_STOPPED},
            [FACT_FAIL] = {give_up, SEAT_ENDED},
            [FACT_CANCEL] = {give_up, SEAT_ENDED},
            [FACT_DROP] = {give_up, SEAT_ENDED},
        },
    [SEAT_WAITING] =
        {
            [FACT_PROMOTE] = {climb_on, SEAT_RUNNING},
            [FACT_SHORT] = {cut_short, SEAT_WAITING},
            [FACT_CHANCE] = {note_number, SEAT_WAITING},
            [FACT_MEAN] = {note_number, SEAT_WAITING},
            [FACT_SPREAD] = {note_number, SEAT_WAITING},
            [FACT_INCUMBENT] = {note_number, SEAT_WAITING},
            [FACT_LOSE] = {drop_out, SEAT_LOST},
            [FACT_LATE] = {drop_out, SEAT_LOST},
            [FACT_MEDIAN] = {drop_out, SEAT_STOPPED},
            [FACT_THRESHOLD] = {drop_out, SEAT_STOPPED},
            [FACT_FAIL] = {drop_out, SEAT_ENDED},
            [FACT_CANCEL] = {drop_out, SEAT_ENDED},
            [FACT_DROP] = {drop_out, SEAT_ENDED},
        },
};

/* Gives up the free slots of a bracket, and the same share of the rungs above. */
static int apply_seal(struct schedule *schedule, const struct schedule_record *record,
                      struct err *err)
{
    if (record->bracket < 0 || record->bracket >= (int64_t)schedule->n_brackets) {
        return misfit(record, err);
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
    struct seat *seat = schedule_seat(schedule, record->trial);
    const struct effect *effect =
        seat == NULL || record->fact >= FACT_COUNT ? NULL : &effects[seat->state][record->fact];
    if (effect == NULL || effect->apply == NULL) {
        return misfit(record, err);
    }
    struct bracket *bracket = schedule->brackets[seat->bracket];
    TRY(effect->apply(schedule, record, seat, effect->to, err));
    close_when_done(schedule, bracket);
    return 0;
}

#include "tests/sim/cluster.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "tests/sim/planted.h"
#include "tests/support/schedule_fixture.h"

#define TTL_MS 60000
#define ATTEMPTS_MAX 3
#define STEPS_MAX 400

enum trial_phase { PHASE_QUEUED, PHASE_RUNNING, PHASE_PAUSED, PHASE_FINAL };

struct sim_trial {
    enum trial_phase phase;
    int attempt, n_lost;
    int64_t granted, deadline_ms, checkpoint;
    int64_t valued_at;   /* the step of its newest rung value */
    int64_t asked_at;    /* the level at which the model is asked about it */
    bool has[STEPS_MAX]; /* a measurement of this step is stored */
    bool is_cancelled;
};

enum worker_phase { WORKER_WAITING, WORKER_BUSY, WORKER_DOWN };

struct sim_worker {
    enum worker_phase phase;
    int64_t ms_per_step;
    int64_t since_ms; /* in this phase */
    int generation;   /* of its job: events of an older one are void */
    bool has_died;
    /* the job */
    int64_t trial, step, until, stride;
    int attempt;
    int64_t dies_at, ends_at, fails_at; /* steps; INT64_MAX: never */
    bool is_deaf, overshoots, is_saving;
    int64_t silent_ms;
};

enum event_kind {
    EVENT_STEP,
    EVENT_UP,
    EVENT_EXPIRE,
    EVENT_LATE,
    EVENT_CANCEL,
    EVENT_UNPAUSE,
    EVENT_WORD
};

struct event {
    int64_t at_ms;
    uint64_t order;
    enum event_kind kind;
    int worker, generation, attempt;
    int64_t trial, step;
};

struct cluster {
    const struct cluster_options *o;
    struct study_def *study;
    struct schedule *schedule;
    struct schedule_kind planted_kind;
    struct schedule_log stored; /* what the server's disk holds */
    struct watch watch;
    struct rng rng;
    int64_t now_ms;
    struct event *heap;
    size_t n_events, cap_events;
    uint64_t order;
    struct sim_trial *trials; /* from 1 */
    int64_t n_trials, cap_trials;
    struct sim_worker *workers;
    int64_t *retries; /* trials that wait to be leased again, oldest first */
    size_t n_retries;
    int64_t n_complete;
    bool is_paused, is_sealed;
    struct cluster_outcome *out;
};

static void must(int failed, struct cluster *c, const struct err *err)
{
    if (failed) { /* a planted bug may break the schedule's own bookkeeping */
        watch_violate(&c->watch, I2_ONE_SLOT, "%s", err->text);
        c->n_events = 0;
    }
}

static bool chance(struct cluster *c, int of_1000)
{
    return of_1000 > 0 && rng_below(&c->rng, 1000) < (uint64_t)of_1000;
}

/* ---- time ---- */

static bool is_earlier(const struct event *a, const struct event *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

static void push(struct cluster *c, struct event event)
{
    if (c->n_events == c->cap_events) {
        c->cap_events = c->cap_events == 0 ? 64 : c->cap_events * 2;
        c->heap = realloc(c->heap, c->cap_events * sizeof *c->heap);
        if (c->heap == NULL) {
            abort();
        }
    }
    event.order = c->order++;
    size_t i = c->n_events++;
    while (i > 0 && is_earlier(&event, &c->heap[(i - 1) / 2])) {
        c->heap[i] = c->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    c->heap[i] = event;
}

static struct event pop(struct cluster *c)
{
    struct event top = c->heap[0];
    struct event last = c->heap[--c->n_events];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= c->n_events) {
            break;
        }
        if (child + 1 < c->n_events && is_earlier(&c->heap[child + 1], &c->heap[child])) {
            child++;
        }
        if (!is_earlier(&c->heap[child], &last)) {
            break;
        }
        c->heap[i] = c->heap[child];
        i = child;
    }
    c->heap[i] = last;
    return top;
}

/* ---- values ---- */

static double unit(uint64_t a, uint64_t b)
{
    return (double)(splitmix64(a * 0x9e37 + b) >> 11) * 0x1p-53;
}

static bool is_broken(const struct cluster *c, int64_t trial, int64_t step)
{
    uint64_t key = splitmix64(c->o->curve_seed) + (uint64_t)trial * 1000003;

    return unit(key, 3) * 1000 < c->o->nan && step >= (int64_t)(1 + 8 * unit(key, 4));
}

/* A curve that falls like a power, with a level, a speed and some noise of its own. */
static double value_of(const struct cluster *c, int64_t trial, int64_t step)
{
    uint64_t key = splitmix64(c->o->curve_seed) + (uint64_t)trial * 1000003;
    double loss = unit(key, 1) + (0.5 + unit(key, 2)) / sqrt((double)step)
                  + 0.05 * unit(key, 100 + (uint64_t)step);

    if (is_broken(c, trial, step)) {
        loss = c->o->planted != NULL && c->o->planted->failures_get_values ? 1e6 : (double)NAN;
    }
    if (c->o->told == TOLD_EXPONENTIAL) {
        return exp(loss) - 3;
    }
    return c->o->told == TOLD_NEGATED ? -loss : loss;
}

/* ---- the server: facts, and what follows from them ---- */

static struct schedule_moment moment_of(const struct cluster *c)
{
    return (struct schedule_moment){
        .now_ms = c->now_ms,
        .may_start = !c->is_paused && c->n_trials < c->o->n_trials,
        .may_promote = !c->is_paused,
    };
}

static void queue_retry(struct cluster *c, int64_t trial)
{
    if (c->o->planted != NULL && c->o->planted->forgets_retries) {
        return;
    }
    c->trials[trial].phase = PHASE_QUEUED;
    c->retries[c->n_retries++] = trial;
}

static void drop_retry(struct cluster *c, int64_t trial)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n_retries; i++) {
        if (c->retries[i] != trial) {
            c->retries[n++] = c->retries[i];
        }
    }
    c->n_retries = n;
}

static void align(struct cluster *c, int64_t trial)
{
    struct sim_trial *t = &c->trials[trial];

    if (t->phase == PHASE_PAUSED) {
        enum schedule_verdict verdict = schedule_answer(c->schedule, trial).verdict;
        if (verdict != VERDICT_PAUSE && verdict != VERDICT_RUN) {
            t->phase = PHASE_FINAL;
        }
    }
}

static void check_truth(struct cluster *c, const struct schedule_record *record)
{
    struct sim_trial *t = &c->trials[record->trial];

    if (record->fact == FACT_VALUE) {
        t->valued_at = record->step;
        c->n_complete += schedule_answer(c->schedule, record->trial).verdict == VERDICT_COMPLETE;
    }
    if (record->fact == FACT_PROMOTE && is_broken(c, record->trial, t->valued_at)) {
        watch_violate(&c->watch, I14_ALL_FAILED, "trial %d is promoted without a value",
                      (int)record->trial);
    }
}

/* Stores and acts. */
static void take_in(struct cluster *c, struct schedule_log *log)
{
    for (size_t i = 0; i < log->n; i++) {
        const struct schedule_record *record = &log->items[i];
        watch_fact(&c->watch, record);
        c->out->n_values += record->fact == FACT_VALUE;
        c->out->n_promoted += record->fact == FACT_PROMOTE;
        c->out->history = splitmix64(c->out->history + (uint64_t)record->fact * 7919
                                     + (uint64_t)record->trial * 31 + (uint64_t)record->step);
        bool is_lost = c->o->planted != NULL && c->o->planted->forgets_facts
                       && record->fact == FACT_LOSE && chance(c, 200);
        if (!is_lost) {
            if (c->stored.n == c->stored.cap) {
                c->stored.cap = c->stored.cap == 0 ? 256 : c->stored.cap * 2;
                c->stored.items = realloc(c->stored.items, c->stored.cap * sizeof *c->stored.items);
                if (c->stored.items == NULL) {
                    abort();
                }
            }
            c->stored.items[c->stored.n++] = *record;
        }
        if (record->trial != 0 && record->trial <= c->n_trials) {
            check_truth(c, record);
            align(c, record->trial);
        }
    }
    c->out->n_facts += (int64_t)log->n;
    schedule_log_finish(log);
}

static void end_trial(struct cluster *c, int64_t trial, enum schedule_fact how)
{
    struct schedule_moment moment = moment_of(c);
    struct schedule_log log = {0};
    struct err err = {0};

    c->trials[trial].phase = PHASE_FINAL;
    if (how == FACT_FAIL && c->o->planted != NULL && c->o->planted->forgets_lost_slots) {
        return;
    }
    must(schedule_end(c->schedule, &moment, trial, how, &log, &err), c, &err);
    take_in(c, &log);
}

/* The attempt is over; what becomes of the trial is the schedule's answer. */
static void settle_trial(struct cluster *c, int64_t trial)
{
    c->out->end_ms = c->now_ms;
    switch (schedule_answer(c->schedule, trial).verdict) {
    case VERDICT_RUN:
        queue_retry(c, trial);
        break;
    case VERDICT_PAUSE:
        c->trials[trial].phase = PHASE_PAUSED;
        break;
    case VERDICT_PRUNE:
    case VERDICT_FAIL:
    case VERDICT_COMPLETE:
    case VERDICT_COUNT:
        c->trials[trial].phase = PHASE_FINAL;
        break;
    }
}

static void lose_attempt(struct cluster *c, int64_t trial)
{
    struct sim_trial *t = &c->trials[trial];

    schedule_release(c->schedule, trial);
    c->out->n_lost++;
    if (schedule_answer(c->schedule, trial).verdict == VERDICT_RUN && ++t->n_lost >= ATTEMPTS_MAX) {
        end_trial(c, trial, FACT_FAIL);
        return;
    }
    settle_trial(c, trial);
}

/* Is this the trial's newest attempt, so that its word counts? Revives an expired lease. */
static bool hears(struct cluster *c, int64_t trial, int attempt)
{
    struct sim_trial *t = &c->trials[trial];

    if (t->attempt != attempt || t->phase == PHASE_FINAL) {
        return false;
    }
    if (t->phase != PHASE_RUNNING) {
        drop_retry(c, trial);
        t->phase = PHASE_RUNNING;
        schedule_hold(c->schedule, trial, t->granted);
        push(c, (struct event){.at_ms = c->now_ms + TTL_MS,
                               .kind = EVENT_EXPIRE,
                               .trial = trial,
                               .attempt = attempt});
    }
    t->deadline_ms = c->now_ms + TTL_MS;
    return true;
}

/* ---- the server: restart ---- */

static bool same_ranking(const struct ranking *a, const struct ranking *b)
{
    bool same = a->n == b->n;

    for (size_t k = 0; same && k < a->n; k++) {
        struct ranked one = ranking_at(a, k);
        struct ranked two = ranking_at(b, k);
        same = one.trial == two.trial && memcmp(&one.cost, &two.cost, sizeof one.cost) == 0;
    }
    return same;
}

static bool same_bracket(const struct bracket *a, const struct bracket *b)
{
    bool same =
        a->n_rungs == b->n_rungs && a->is_done == b->is_done && a->is_sealed == b->is_sealed;

    for (size_t i = 0; same && i < a->n_rungs; i++) {
        const struct rung *one = &a->rungs[i];
        const struct rung *two = &b->rungs[i];
        same = one->level == two->level && one->size == two->size && one->started == two->started
               && one->reported == two->reported && one->n_auto == two->n_auto
               && one->n_spans == two->n_spans && same_ranking(&one->all, &two->all)
               && same_ranking(&one->waiting, &two->waiting);
    }
    return same;
}

static bool same_seat(const struct seat *a, const struct seat *b)
{
    bool is_live = a->state == SEAT_RUNNING || a->state == SEAT_WAITING;
    bool same = a->state == b->state && a->bracket == b->bracket && a->rung == b->rung
                && a->has_word == b->has_word && a->is_short == b->is_short
                && a->since_ms == b->since_ms;

    if (same && is_live) {
        same = a->held == b->held && a->last.step == b->last.step && a->n_ahead == b->n_ahead
               && (a->last.step < 0 || memcmp(&a->last, &b->last, sizeof a->last) == 0);
        for (size_t i = 0; same && i < a->n_ahead; i++) {
            same = a->ahead[i].step == b->ahead[i].step;
        }
    }
    return same;
}

static bool same_schedule(const struct schedule *a, const struct schedule *b, int64_t n_trials)
{
    bool same = a->n_brackets == b->n_brackets && a->n_open == b->n_open && a->cap == b->cap;

    for (size_t i = 0; same && i < a->n_brackets; i++) {
        same = same_bracket(a->brackets[i], b->brackets[i]);
    }
    for (size_t i = 0; same && i < a->n_open; i++) {
        same = a->open[i]->index == b->open[i]->index;
    }
    for (int64_t trial = 1; same && trial <= n_trials; trial++) {
        const struct seat *one = schedule_seat(a, trial);
        const struct seat *two = schedule_seat(b, trial);
        same = (one == NULL) == (two == NULL) && (one == NULL || same_seat(one, two));
    }
    return same;
}

static struct schedule *fresh_schedule(struct cluster *c)
{
    struct schedule *schedule = NULL;
    struct err err = {0};

    if (schedule_create(c->study, &schedule, &err) != 0) {
        abort();
    }
    if (c->o->planted != NULL) {
        const struct planted *bug = c->o->planted;
        c->planted_kind = *schedule->kind;
        c->planted_kind.fate = bug->fate != NULL ? bug->fate : schedule->kind->fate;
        c->planted_kind.offer = bug->offer != NULL ? bug->offer : schedule->kind->offer;
        c->planted_kind.plan = bug->plan != NULL ? bug->plan : schedule->kind->plan;
        schedule->kind = &c->planted_kind;
        schedule->options.delta *= bug->wants_more_chance ? 3 : 1;
    }
    return schedule;
}

static void restart(struct cluster *c)
{
    struct schedule *rebuilt = fresh_schedule(c);
    struct err err = {0};

    c->out->n_restarts++;
    for (size_t i = 0; i < c->stored.n; i++) {
        if (schedule_load(rebuilt, &c->stored.items[i], &err) != 0) {
            watch_violate(&c->watch, I8_REPLAY, "%s", err.text);
            schedule_destroy(rebuilt);
            return;
        }
    }
    for (int64_t trial = 1; trial <= c->n_trials; trial++) {
        const struct sim_trial *t = &c->trials[trial];
        for (int64_t step = 0; t->phase != PHASE_FINAL && step < STEPS_MAX; step++) {
            if (t->has[step]) {
                must(schedule_recall(rebuilt, trial, step, value_of(c, trial, step), &err), c,
                     &err);
            }
        }
        if (t->phase == PHASE_RUNNING) {
            schedule_hold(rebuilt, trial, t->granted);
        }
    }
    if (!same_schedule(c->schedule, rebuilt, c->n_trials)) {
        watch_violate(&c->watch, I8_REPLAY, "%zu facts rebuild another state", c->stored.n);
    }
    schedule_destroy(c->schedule);
    c->schedule = rebuilt;
}

/* ---- handing out ---- */

/* Adds the time in the phase that ends to the outcome. */
static void turn_to(struct cluster *c, struct sim_worker *w, enum worker_phase phase)
{
    int64_t span_ms = c->now_ms > w->since_ms ? c->now_ms - w->since_ms : 0;

    c->out->busy_ms += w->phase == WORKER_BUSY ? span_ms : 0;
    c->out->idle_ms += w->phase == WORKER_WAITING ? span_ms : 0;
    w->phase = phase;
    w->since_ms = c->now_ms;
}

static void turn_all(struct cluster *c)
{
    for (int i = 0; i < c->o->n_workers; i++) {
        turn_to(c, &c->workers[i], c->workers[i].phase);
    }
}

static void begin_job(struct cluster *c, int worker, int64_t trial, int64_t until)
{
    struct sim_worker *w = &c->workers[worker];
    struct sim_trial *t = &c->trials[trial];
    bool reaches = chance(c, 700);

    if (t->phase == PHASE_RUNNING) {
        watch_violate(&c->watch, I2_ONE_SLOT, "trial %d is leased twice", (int)trial);
    }
    t->phase = PHASE_RUNNING;
    t->attempt++;
    t->granted = until;
    t->deadline_ms = c->now_ms + TTL_MS;
    turn_to(c, w, WORKER_BUSY);
    w->generation++;
    w->trial = trial;
    w->attempt = t->attempt;
    w->step = reaches && t->checkpoint < until ? t->checkpoint : 0;
    w->until = until;
    w->stride = chance(c, 500) ? 1 : 1 + (int64_t)rng_below(&c->rng, 5);
    bool dies = chance(c, c->o->crash) || (c->o->each_worker_dies_once && !w->has_died);
    int64_t ahead = 1 + (int64_t)rng_below(&c->rng, (uint64_t)(until - w->step + 1));
    w->dies_at = dies ? w->step + ahead : INT64_MAX;
    w->fails_at = chance(c, c->o->fail) ? w->step + ahead : INT64_MAX;
    w->ends_at = chance(c, c->o->end_early) ? w->step + ahead : INT64_MAX;
    w->is_deaf = chance(c, c->o->deaf);
    w->overshoots = chance(c, c->o->overshoot);
    w->is_saving = false;
    w->silent_ms = chance(c, c->o->silence) ? 3 * TTL_MS : 0;
    int64_t pace = w->ms_per_step * (chance(c, c->o->straggle) ? 20 : 1);
    push(c, (struct event){.at_ms = c->now_ms + pace * w->stride,
                           .kind = EVENT_STEP,
                           .worker = worker,
                           .generation = w->generation});
    push(c,
         (struct event){
             .at_ms = t->deadline_ms, .kind = EVENT_EXPIRE, .trial = trial, .attempt = t->attempt});
    if (c->o->planted != NULL && c->o->planted->lets_go_early) {
        schedule_release(c->schedule, trial);
    }
}

static int64_t new_trial(struct cluster *c)
{
    if (c->n_trials + 1 >= c->cap_trials) {
        abort(); /* never more than n_trials */
    }
    c->trials[++c->n_trials] = (struct sim_trial){0};
    if (chance(c, c->o->cancel)) {
        push(c, (struct event){.at_ms = c->now_ms + (int64_t)rng_below(&c->rng, 20 * TTL_MS),
                               .kind = EVENT_CANCEL,
                               .trial = c->n_trials});
    }
    return c->n_trials;
}

static void seal(struct cluster *c)
{
    struct schedule_moment moment = moment_of(c);
    struct schedule_log log = {0};
    struct err err = {0};

    must(schedule_seal(c->schedule, &moment, &log, &err), c, &err);
    take_in(c, &log);
    c->is_sealed = true;
}

/* False: nothing may go out. */
static bool serve(struct cluster *c, int worker)
{
    struct schedule_moment moment = moment_of(c);
    struct schedule_offer offer;
    struct schedule_log log = {0};
    struct err err = {0};

    if (c->n_retries > 0 && !c->is_paused) {
        int64_t trial = c->retries[0];
        drop_retry(c, trial);
        int64_t until = schedule_answer(c->schedule, trial).until;
        schedule_hold(c->schedule, trial, until);
        begin_job(c, worker, trial, until);
        return true;
    }
    schedule_offer(c->schedule, &moment, &offer);
    if (offer.kind == OFFER_NOTHING) {
        return false;
    }
    int64_t trial = offer.kind == OFFER_NEW ? new_trial(c) : offer.trial;
    must(schedule_take(c->schedule, &moment, &offer, trial, &log, &err), c, &err);
    take_in(c, &log);
    if (c->schedule->n_open > c->out->most_open) {
        c->out->most_open = c->schedule->n_open;
    }
    begin_job(c, worker, trial, offer.until);
    if (c->n_trials >= c->o->n_trials && !c->is_sealed) {
        turn_all(c);
        c->out->open_ms = c->now_ms;
        c->out->open_busy_ms = c->out->busy_ms;
        c->out->open_idle_ms = c->out->idle_ms;
        seal(c);
    }
    return true;
}

static bool is_free(const void *context, int64_t trial)
{
    const struct cluster *c = context;

    return c->trials[trial].phase == PHASE_PAUSED;
}

static bool rounds_left(const struct cluster *c)
{
    return c->o->rounds == 0 || (int64_t)c->watch.n_brackets < c->o->rounds * c->watch.n_kinds
           || watch_has_free_slot(&c->watch);
}

/* Somebody waits: is that right? */
static void check_idling(struct cluster *c)
{
    struct schedule_moment moment = moment_of(c);

    if (c->is_paused) {
        return;
    }
    if (c->n_retries > 0 || (moment.may_start && rounds_left(c))) {
        watch_violate(&c->watch, I16_NO_IDLING, "a worker waits while %s may start",
                      c->n_retries > 0 ? "a retry" : "a new trial");
        return;
    }
    int64_t trial = watch_legal_promotion(&c->watch, is_free, c);
    if (trial != 0) {
        watch_violate(&c->watch, I16_NO_IDLING, "a worker waits while trial %d may go on",
                      (int)trial);
    }
}

static void dispatch(struct cluster *c)
{
    for (int i = 0; i < c->o->n_workers; i++) {
        if (c->workers[i].phase == WORKER_WAITING && !serve(c, i)) {
            check_idling(c);
            return;
        }
    }
}

/* ---- what the model says ---- */

static void ask_word(struct cluster *c, int64_t trial)
{
    struct sim_trial *t = &c->trials[trial];
    int64_t level;

    if (schedule_awaits(c->schedule, trial, &level) && t->asked_at != level) {
        t->asked_at = level;
        push(c, (struct event){.at_ms = c->now_ms + (int64_t)rng_below(&c->rng, TTL_MS / 2),
                               .kind = EVENT_WORD,
                               .trial = trial,
                               .step = level});
    }
}

/* Retries of trials that are out by now. */
static void drop_late_retries(struct cluster *c)
{
    for (size_t i = c->n_retries; i-- > 0;) {
        int64_t trial = c->retries[i];
        if (schedule_answer(c->schedule, trial).verdict != VERDICT_RUN) {
            drop_retry(c, trial);
            c->trials[trial].phase = PHASE_FINAL;
        }
    }
}

static void hear_word(struct cluster *c, const struct event *event)
{
    uint64_t key = splitmix64(c->o->curve_seed) + (uint64_t)event->trial * 1000003;
    struct schedule_moment moment = moment_of(c);
    const struct schedule_word word = {.known = c->n_complete >= 3,
                                       .chance = unit(key, 5000 + (uint64_t)event->step) / 2,
                                       .mean = 1,
                                       .spread = 1,
                                       .incumbent = 1};
    struct schedule_log log = {0};
    struct err err = {0};

    must(schedule_judge(c->schedule, &moment, event->trial, event->step, &word, &log, &err), c,
         &err);
    take_in(c, &log);
    drop_late_retries(c);
    ask_word(c, event->trial);
}

/* ---- what workers say ---- */

static struct schedule_answer measure(struct cluster *c, int64_t trial, int64_t step)
{
    struct schedule_moment moment = moment_of(c);
    struct schedule_answer answer = {0};
    struct schedule_log log = {0};
    struct err err = {0};
    double value = value_of(c, trial, step);

    must(schedule_measure(c->schedule, &moment, trial, step, value, &log, &answer, &err), c, &err);
    if (step < STEPS_MAX) {
        c->trials[trial].has[step] = true;
    }
    take_in(c, &log);
    ask_word(c, trial);
    return answer;
}

/* The same report again: nothing may happen. */
static void measure_again(struct cluster *c, int64_t trial, int64_t step)
{
    struct schedule_answer before = schedule_answer(c->schedule, trial);
    int64_t facts = c->out->n_facts;
    struct seat *seat = schedule_seat(c->schedule, trial);

    if (c->o->planted != NULL && c->o->planted->counts_twice && seat->state == SEAT_WAITING) {
        seat->state = SEAT_RUNNING;
    }
    struct schedule_answer after = measure(c, trial, step);
    if (c->out->n_facts != facts || after.verdict != before.verdict
        || after.until != before.until) {
        watch_violate(&c->watch, I9_IDEMPOTENT, "a repeated report of trial %d changes something",
                      (int)trial);
    }
}

static void rest(struct cluster *c, int worker)
{
    turn_to(c, &c->workers[worker], WORKER_WAITING);
    c->workers[worker].generation++;
}

static void send_result(struct cluster *c, int worker)
{
    struct sim_worker *w = &c->workers[worker];
    struct schedule_moment moment = moment_of(c);
    struct schedule_answer answer;
    struct schedule_log log = {0};
    struct err err = {0};
    int64_t trial = w->trial;

    if (hears(c, trial, w->attempt)) {
        c->trials[trial].checkpoint = w->step;
        must(schedule_finish(c->schedule, &moment, trial, w->step, &log, &answer, &err), c, &err);
        take_in(c, &log);
        settle_trial(c, trial);
    }
    rest(c, worker);
}

static void send_failure(struct cluster *c, int worker)
{
    const struct sim_worker *w = &c->workers[worker];
    int64_t trial = w->trial;

    if (hears(c, trial, w->attempt)) {
        schedule_release(c->schedule, trial);
        if (schedule_answer(c->schedule, trial).verdict == VERDICT_RUN) {
            end_trial(c, trial, FACT_FAIL);
        } else {
            settle_trial(c, trial);
        }
    }
    rest(c, worker);
}

static void die(struct cluster *c, int worker)
{
    struct sim_worker *w = &c->workers[worker];

    turn_to(c, w, WORKER_DOWN);
    w->has_died = true;
    w->generation++;
    c->trials[w->trial].checkpoint = chance(c, 500) ? w->step : c->trials[w->trial].checkpoint;
    push(c, (struct event){.at_ms = c->now_ms + (int64_t)rng_below(&c->rng, 4 * TTL_MS),
                           .kind = EVENT_UP,
                           .worker = worker});
}

static void work_on(struct cluster *c, int worker)
{
    const struct sim_worker *w = &c->workers[worker];
    int64_t left = w->until - w->step;
    int64_t stride = left > 0 && w->stride > left && !w->overshoots ? left : w->stride;

    push(c, (struct event){.at_ms = c->now_ms + w->ms_per_step * stride,
                           .kind = EVENT_STEP,
                           .worker = worker,
                           .generation = w->generation});
}

/* Reports the step and obeys. */
static void report(struct cluster *c, int worker)
{
    struct sim_worker *w = &c->workers[worker];

    if (!hears(c, w->trial, w->attempt)) {
        rest(c, worker); /* superseded: abort */
        return;
    }
    struct schedule_answer answer = measure(c, w->trial, w->step);
    if (chance(c, c->o->twice)) {
        measure_again(c, w->trial, w->step);
    }
    if (chance(c, c->o->late)) {
        push(c, (struct event){.at_ms = c->now_ms + (int64_t)rng_below(&c->rng, 5 * TTL_MS),
                               .kind = EVENT_LATE,
                               .trial = w->trial,
                               .attempt = w->attempt,
                               .step = w->step});
    }
    if (answer.verdict != VERDICT_RUN) { /* saves its checkpoint first */
        w->is_saving = true;
        push(c, (struct event){.at_ms = c->now_ms + (int64_t)rng_below(&c->rng, 5000),
                               .kind = EVENT_STEP,
                               .worker = worker,
                               .generation = w->generation});
    } else if (w->is_deaf && w->step >= w->until) {
        send_result(c, worker);
    } else {
        w->until = answer.until;
        work_on(c, worker);
    }
}

static void step_job(struct cluster *c, const struct event *event)
{
    struct sim_worker *w = &c->workers[event->worker];

    if (event->generation != w->generation) {
        return;
    }
    if (w->is_saving) {
        send_result(c, event->worker);
        return;
    }
    if (w->silent_ms > 0) { /* cut off: it trains on, and is heard much later */
        struct event later = *event;
        later.at_ms = c->now_ms + w->silent_ms;
        w->silent_ms = 0;
        push(c, later);
        return;
    }
    int64_t next = w->step + w->stride;
    w->step = next > w->until && !w->overshoots ? w->until : next;
    if (w->step >= w->dies_at) {
        die(c, event->worker);
    } else if (w->step >= w->fails_at) {
        send_failure(c, event->worker);
    } else if (w->step >= w->ends_at) {
        send_result(c, event->worker);
    } else {
        report(c, event->worker);
    }
}

/* ---- the world ---- */

static void expire(struct cluster *c, const struct event *event)
{
    const struct sim_trial *t = &c->trials[event->trial];

    if (t->phase != PHASE_RUNNING || t->attempt != event->attempt) {
        return;
    }
    if (t->deadline_ms > c->now_ms) {
        push(c, (struct event){.at_ms = t->deadline_ms,
                               .kind = EVENT_EXPIRE,
                               .trial = event->trial,
                               .attempt = event->attempt});
        return;
    }
    lose_attempt(c, event->trial);
}

static void hear_late(struct cluster *c, const struct event *event)
{
    const struct sim_trial *t = &c->trials[event->trial];

    if (t->phase == PHASE_RUNNING && t->attempt == event->attempt) {
        measure_again(c, event->trial, event->step);
    }
}

static void cancel(struct cluster *c, int64_t trial)
{
    struct sim_trial *t = &c->trials[trial];

    if (t->phase != PHASE_FINAL) {
        drop_retry(c, trial);
        end_trial(c, trial, FACT_CANCEL);
    }
}

static void tick(struct cluster *c)
{
    struct schedule_moment moment = moment_of(c);
    struct schedule_log log = {0};
    struct err err = {0};
    int64_t next_ms = 0;

    if (c->o->quorum > 0) {
        must(schedule_tick(c->schedule, &moment, &log, &next_ms, &err), c, &err);
        take_in(c, &log);
        drop_late_retries(c);
    }
}

static void live_one_event(struct cluster *c)
{
    struct event event = pop(c);

    c->now_ms = event.at_ms;
    switch (event.kind) {
    case EVENT_STEP:
        step_job(c, &event);
        break;
    case EVENT_UP:
        rest(c, event.worker);
        break;
    case EVENT_EXPIRE:
        expire(c, &event);
        break;
    case EVENT_LATE:
        hear_late(c, &event);
        break;
    case EVENT_CANCEL:
        cancel(c, event.trial);
        break;
    case EVENT_UNPAUSE:
        c->is_paused = false;
        break;
    case EVENT_WORD:
        hear_word(c, &event);
        break;
    }
    if (chance(c, c->o->restart)) {
        restart(c);
    }
    if (!c->is_paused && chance(c, c->o->pause)) {
        c->is_paused = true;
        push(c, (struct event){.at_ms = c->now_ms + 2 * TTL_MS, .kind = EVENT_UNPAUSE});
    }
    tick(c);
    dispatch(c);
}

static void open_study(struct cluster *c)
{
    const struct cluster_options *o = c->o;
    bool is_asha = strcmp(o->strategy, "asha") == 0;
    char members[768];
    char options[256] = "";
    size_t len = 0;

    if (o->rounds > 0) {
        len += (size_t)snprintf(options + len, sizeof options - len, ", \"rounds\": %d",
                                (int)o->rounds);
    }
    if (o->brackets > 0) {
        len += (size_t)snprintf(options + len, sizeof options - len, ", \"brackets\": %d",
                                (int)o->brackets);
    }
    if (o->quorum > 0) {
        len += (size_t)snprintf(options + len, sizeof options - len, ", \"quorum\": %g", o->quorum);
    }
    (void)snprintf(options + len, sizeof options - len, "%s%s%s",
                   o->is_predictive ? ", \"mode\": \"predictive\"" : "",
                   o->is_stopping ? ", \"mode\": \"stopping\"" : "",
                   o->is_progressive ? ", \"progressive\": true" : "");
    (void)snprintf(members, sizeof members,
                   "\"objectives\": [{\"metric\": \"v\", \"direction\": \"%s\"}], "
                   "\"strategy\": {\"name\": \"%s\", \"eta\": %d%s}, "
                   "\"resource\": {\"name\": \"epochs\", \"min\": %d, \"max\": %d}",
                   o->told == TOLD_NEGATED ? "maximize" : "minimize", o->strategy, (int)o->eta,
                   options, (int)o->r_min, (int)o->R);
    c->study = fixture_study(members);
    c->schedule = fresh_schedule(c);
    int64_t n_kinds = o->brackets;
    if (n_kinds == 0) {
        n_kinds = is_asha ? 1 : tables_s_max(o->R, o->eta, o->r_min) + 1;
    }
    enum watch_kind kind = !is_asha           ? WATCH_SYNC
                           : o->is_predictive ? WATCH_PREDICTIVE
                           : o->is_stopping   ? WATCH_STOPPING
                                              : WATCH_PROMOTION;
    watch_init(&c->watch, kind, o->R, o->r_min, o->eta, n_kinds, o->is_progressive,
               o->told == TOLD_NEGATED);
}

static void open_cluster(struct cluster *c)
{
    const struct cluster_options *o = c->o;

    c->rng = rng_seeded(splitmix64(o->seed));
    c->cap_trials = o->n_trials + 2;
    c->trials = calloc((size_t)c->cap_trials, sizeof *c->trials);
    c->retries = calloc((size_t)c->cap_trials, sizeof *c->retries);
    c->workers = calloc((size_t)o->n_workers, sizeof *c->workers);
    if (c->trials == NULL || c->retries == NULL || c->workers == NULL) {
        abort();
    }
    for (int i = 0; i < o->n_workers; i++) {
        c->workers[i].ms_per_step = o->same_speed ? 1000 : 200 + (int64_t)rng_below(&c->rng, 4000);
    }
    open_study(c);
}

/* Nothing happens any more: has everything ended? */
static void check_end(struct cluster *c)
{
    for (int64_t trial = 1; trial <= c->n_trials; trial++) {
        enum trial_phase phase = c->trials[trial].phase;
        if (phase == PHASE_RUNNING || phase == PHASE_QUEUED) {
            watch_violate(&c->watch, I9_IDEMPOTENT, "trial %d leaks its slot", (int)trial);
        }
    }
    check_idling(c);
    watch_end(&c->watch);
}

void cluster_run(const struct cluster_options *options, struct cluster_outcome *outcome)
{
    struct cluster c = {.o = options, .out = outcome};
    int64_t patience = 4000 * (options->n_trials + 100);

    *outcome = (struct cluster_outcome){0};
    open_cluster(&c);
    dispatch(&c);
    while (c.n_events > 0 && patience-- > 0) {
        live_one_event(&c);
    }
    if (patience <= 0) {
        watch_violate(&c.watch, I10_FINISH, "it never ends");
    }
    check_end(&c);
    outcome->violated = c.watch.violated;
    memcpy(outcome->texts, c.watch.texts, sizeof outcome->texts);
    outcome->promotions = watch_promotions(&c.watch);
    c.now_ms = outcome->end_ms; /* what came later was no work */
    turn_all(&c);
    watch_finish(&c.watch);
    schedule_destroy(c.schedule);
    study_def_destroy(c.study);
    schedule_log_finish(&c.stored);
    free(c.heap);
    free(c.trials);
    free(c.retries);
    free(c.workers);
}

/* What workers do: train, report, obey or not, save, fall silent, die. */
#include "common/rng.h"
#include "tests/sim/cluster_parts.h"

/* Adds the time in the phase that ends to the outcome. */
static void turn_to(struct cluster *c, struct sim_worker *w, enum worker_phase phase)
{
    int64_t span_ms = c->now_ms > w->since_ms ? c->now_ms - w->since_ms : 0;

    c->out->busy_ms += w->phase == WORKER_BUSY ? span_ms : 0;
    c->out->idle_ms += w->phase == WORKER_WAITING ? span_ms : 0;
    w->phase = phase;
    w->since_ms = c->now_ms;
}

void cluster_turn_all(struct cluster *c)
{
    for (int i = 0; i < c->o->n_workers; i++) {
        turn_to(c, &c->workers[i], c->workers[i].phase);
    }
}

void cluster_begin_job(struct cluster *c, int worker, int64_t trial, int64_t until)
{
    struct sim_worker *w = &c->workers[worker];
    struct sim_trial *t = &c->trials[trial];
    bool reaches = cluster_chance(c, 700);

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
    w->stride = cluster_chance(c, 500) ? 1 : 1 + (int64_t)rng_below(&c->rng, 5);
    bool dies = cluster_chance(c, c->o->crash) || (c->o->each_worker_dies_once && !w->has_died);
    int64_t ahead = 1 + (int64_t)rng_below(&c->rng, (uint64_t)(until - w->step + 1));
    w->dies_at = dies ? w->step + ahead : INT64_MAX;
    w->fails_at = cluster_chance(c, c->o->fail) ? w->step + ahead : INT64_MAX;
    w->ends_at = cluster_chance(c, c->o->end_early) ? w->step + ahead : INT64_MAX;
    w->is_deaf = cluster_chance(c, c->o->deaf);
    w->overshoots = cluster_chance(c, c->o->overshoot);
    w->is_saving = false;
    w->silent_ms = cluster_chance(c, c->o->silence) ? 3 * TTL_MS : 0;
    int64_t pace = w->ms_per_step * (cluster_chance(c, c->o->straggle) ? 20 : 1);
    cluster_push(c, (struct event){.at_ms = c->now_ms + pace * w->stride,
                                   .kind = EVENT_STEP,
                                   .worker = worker,
                                   .generation = w->generation});
    cluster_push(c, (struct event){.at_ms = t->deadline_ms,
                                   .kind = EVENT_EXPIRE,
                                   .trial = trial,
                                   .attempt = t->attempt});
    if (c->o->planted != NULL && c->o->planted->lets_go_early) {
        schedule_release(c->schedule, trial);
    }
}

static struct schedule_answer measure(struct cluster *c, int64_t trial, int64_t step)
{
    struct schedule_moment moment = cluster_moment_of(c);
    struct schedule_answer answer = {0};
    struct schedule_log log = {0};
    struct err err = {0};
    double value = cluster_value_of(c, trial, step);

    cluster_must(schedule_measure(c->schedule, &moment, trial, step, value, &log, &answer, &err), c,
                 &err);
    if (step < STEPS_MAX) {
        c->trials[trial].has[step] = true;
    }
    cluster_take_in(c, &log);
    cluster_ask_word(c, trial);
    return answer;
}

/* The same report again: nothing may happen. */
static void measure_again(struct cluster *c, int64_t trial, int64_t step)
{
    struct schedule_answer before = schedule_answer(c->schedule, trial);
    int64_t facts = c->out->n_facts;
    struct rung_entry *entry = schedule_entry(c->schedule, trial);

    if (c->o->planted != NULL && c->o->planted->counts_twice && entry->state == ENTRY_WAITING) {
        entry->state = ENTRY_RUNNING;
    }
    struct schedule_answer after = measure(c, trial, step);
    if (c->out->n_facts != facts || after.verdict != before.verdict
        || after.until != before.until) {
        watch_violate(&c->watch, I9_IDEMPOTENT, "a repeated report of trial %d changes something",
                      (int)trial);
    }
}

void cluster_rest(struct cluster *c, int worker)
{
    turn_to(c, &c->workers[worker], WORKER_WAITING);
    c->workers[worker].generation++;
}

static void send_result(struct cluster *c, int worker)
{
    struct sim_worker *w = &c->workers[worker];
    struct schedule_moment moment = cluster_moment_of(c);
    struct schedule_answer answer;
    struct schedule_log log = {0};
    struct err err = {0};
    int64_t trial = w->trial;

    if (cluster_hears(c, trial, w->attempt)) {
        c->trials[trial].checkpoint = w->step;
        cluster_must(schedule_finish(c->schedule, &moment, trial, w->step, &log, &answer, &err), c,
                     &err);
        cluster_take_in(c, &log);
        cluster_settle_trial(c, trial);
    }
    cluster_rest(c, worker);
}

static void send_failure(struct cluster *c, int worker)
{
    const struct sim_worker *w = &c->workers[worker];
    int64_t trial = w->trial;

    if (cluster_hears(c, trial, w->attempt)) {
        schedule_release(c->schedule, trial);
        if (schedule_answer(c->schedule, trial).verdict == VERDICT_RUN) {
            cluster_end_trial(c, trial, FACT_FAIL);
        } else {
            cluster_settle_trial(c, trial);
        }
    }
    cluster_rest(c, worker);
}

static void die(struct cluster *c, int worker)
{
    struct sim_worker *w = &c->workers[worker];

    turn_to(c, w, WORKER_DOWN);
    w->has_died = true;
    w->generation++;
    c->trials[w->trial].checkpoint =
        cluster_chance(c, 500) ? w->step : c->trials[w->trial].checkpoint;
    cluster_push(c, (struct event){.at_ms = c->now_ms + (int64_t)rng_below(&c->rng, 4 * TTL_MS),
                                   .kind = EVENT_UP,
                                   .worker = worker});
}

static void work_on(struct cluster *c, int worker)
{
    const struct sim_worker *w = &c->workers[worker];
    int64_t left = w->until - w->step;
    int64_t stride = left > 0 && w->stride > left && !w->overshoots ? left : w->stride;

    cluster_push(c, (struct event){.at_ms = c->now_ms + w->ms_per_step * stride,
                                   .kind = EVENT_STEP,
                                   .worker = worker,
                                   .generation = w->generation});
}

/* Reports the step and obeys. */
static void report(struct cluster *c, int worker)
{
    struct sim_worker *w = &c->workers[worker];

    if (!cluster_hears(c, w->trial, w->attempt)) {
        cluster_rest(c, worker); /* superseded: abort */
        return;
    }
    struct schedule_answer answer = measure(c, w->trial, w->step);
    if (cluster_chance(c, c->o->twice)) {
        measure_again(c, w->trial, w->step);
    }
    if (cluster_chance(c, c->o->late)) {
        cluster_push(c, (struct event){.at_ms = c->now_ms + (int64_t)rng_below(&c->rng, 5 * TTL_MS),
                                       .kind = EVENT_LATE,
                                       .trial = w->trial,
                                       .attempt = w->attempt,
                                       .step = w->step});
    }
    if (answer.verdict != VERDICT_RUN) { /* saves its checkpoint first */
        w->is_saving = true;
        cluster_push(c, (struct event){.at_ms = c->now_ms + (int64_t)rng_below(&c->rng, 5000),
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

void cluster_step_job(struct cluster *c, const struct event *event)
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
        cluster_push(c, later);
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

void cluster_hear_late(struct cluster *c, const struct event *event)
{
    const struct sim_trial *t = &c->trials[event->trial];

    if (t->phase == PHASE_RUNNING && t->attempt == event->attempt) {
        measure_again(c, event->trial, event->step);
    }
}

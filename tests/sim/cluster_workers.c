#include "tests/sim/cluster_workers.h"

#include "tests/sim/cluster_server.h"
#include "tests/sim/cluster_values.h"

/* Adds the time in the phase that ends to the outcome. */
static void turn_to(struct cluster *c, struct sim_worker *w, enum worker_phase phase)
{
    int64_t span_ms = c->clock.now_ms > w->since_ms ? c->clock.now_ms - w->since_ms : 0;

    c->out->busy_ms += w->phase == WORKER_BUSY ? span_ms : 0;
    c->out->idle_ms += w->phase == WORKER_WAITING ? span_ms : 0;
    w->phase = phase;
    w->since_ms = c->clock.now_ms;
}

void cluster_turn_all(struct cluster *c)
{
    for (size_t i = 0; i < c->o->n_workers; i++) {
        turn_to(c, &c->workers[i], c->workers[i].phase);
    }
}

static void plan_step(struct cluster *c, size_t worker, int64_t in_ms)
{
    events_add(&c->events, in_ms,
               (struct event){
                   .kind = EVENT_STEP, .worker = worker, .turn = c->workers[worker].worker.turn});
}

void cluster_begin_job(struct cluster *c, size_t worker, int64_t trial, int64_t until)
{
    struct sim_worker *w = &c->workers[worker];
    struct sim_trial *t = &c->trials[trial];
    bool reaches = chance_happens(&c->rng, 700);

    if (t->phase == PHASE_RUNNING) {
        watch_violate(&c->watch, I2_ONE_SLOT, "trial %d is leased twice", (int)trial);
    }
    t->phase = PHASE_RUNNING;
    t->attempt++;
    t->granted = until;
    t->deadline_ms = c->clock.now_ms + TTL_MS;
    turn_to(c, w, WORKER_BUSY);
    worker_next_turn(&w->worker);
    w->trial = trial;
    w->attempt = t->attempt;
    w->worker.step = reaches && t->checkpoint < until ? t->checkpoint : 0;
    w->worker.until = until;
    w->stride = chance_happens(&c->rng, 500) ? 1 : chance_between(&c->rng, 1, 5);
    bool dies =
        worker_crashes(&c->faults, &c->rng) || (c->o->each_worker_dies_once && !w->has_died);
    int64_t ahead = chance_between(&c->rng, 1, until - w->worker.step + 1);
    w->dies_at = dies ? w->worker.step + ahead : INT64_MAX;
    w->fails_at = chance_happens(&c->rng, c->o->fail) ? w->worker.step + ahead : INT64_MAX;
    w->ends_at = chance_happens(&c->rng, c->o->end_early) ? w->worker.step + ahead : INT64_MAX;
    w->ignores_answers = chance_happens(&c->rng, c->o->ignore);
    w->overshoots = chance_happens(&c->rng, c->o->overshoot);
    w->is_saving = false;
    w->silent_ms = worker_silence_ms(&c->faults, &c->rng);
    int64_t slowness = chance_happens(&c->rng, c->o->straggle) ? 20 : 1;
    plan_step(c, worker, slowness * worker_training_ms(&w->worker, w->stride, &c->rng));
    cluster_plan_expiry(c, trial);
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

    cluster_must(schedule_measure(c->schedule, &moment, trial, 0, step, value, &log, &answer, &err),
                 c, &err);
    if (step < STEPS_MAX) {
        c->trials[trial].has[step] = true;
    }
    cluster_store_facts(c, &log);
    cluster_request_forecast(c, trial);
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

void cluster_free_worker(struct cluster *c, size_t worker)
{
    turn_to(c, &c->workers[worker], WORKER_WAITING);
    worker_next_turn(&c->workers[worker].worker);
}

static void send_result(struct cluster *c, size_t worker)
{
    struct sim_worker *w = &c->workers[worker];
    struct schedule_moment moment = cluster_moment_of(c);
    struct schedule_answer answer;
    struct schedule_log log = {0};
    struct err err = {0};
    int64_t trial = w->trial;

    if (cluster_accepts(c, trial, w->attempt)) {
        c->trials[trial].checkpoint = w->worker.step;
        cluster_must(
            schedule_finish(c->schedule, &moment, trial, w->worker.step, &log, &answer, &err), c,
            &err);
        cluster_store_facts(c, &log);
        cluster_settle_trial(c, trial);
    }
    cluster_free_worker(c, worker);
}

static void send_failure(struct cluster *c, size_t worker)
{
    const struct sim_worker *w = &c->workers[worker];
    int64_t trial = w->trial;

    if (cluster_accepts(c, trial, w->attempt)) {
        schedule_release(c->schedule, trial);
        if (schedule_answer(c->schedule, trial).verdict == VERDICT_RUN) {
            cluster_end_trial(c, trial, FACT_FAIL);
        } else {
            cluster_settle_trial(c, trial);
        }
    }
    cluster_free_worker(c, worker);
}

static void die(struct cluster *c, size_t worker)
{
    struct sim_worker *w = &c->workers[worker];

    turn_to(c, w, WORKER_DOWN);
    w->has_died = true;
    worker_next_turn(&w->worker);
    c->trials[w->trial].checkpoint =
        chance_happens(&c->rng, 500) ? w->worker.step : c->trials[w->trial].checkpoint;
    events_add(&c->events, worker_down_ms(&c->faults, &c->rng),
               (struct event){.kind = EVENT_UP, .worker = worker});
}

static void work_on(struct cluster *c, size_t worker)
{
    const struct sim_worker *w = &c->workers[worker];
    int64_t left = w->worker.until - w->worker.step;
    int64_t stride = left > 0 && w->stride > left && !w->overshoots ? left : w->stride;

    plan_step(c, worker, worker_training_ms(&w->worker, stride, &c->rng));
}

/* Reports the step and follows the answer. */
static void report(struct cluster *c, size_t worker)
{
    struct sim_worker *w = &c->workers[worker];
    int64_t after_ms;

    if (!cluster_accepts(c, w->trial, w->attempt)) {
        cluster_free_worker(c, worker); /* superseded: abort */
        return;
    }
    struct schedule_answer answer = measure(c, w->trial, w->worker.step);
    if (network_repeats(&c->network, &c->rng)) {
        measure_again(c, w->trial, w->worker.step);
    }
    if (network_repeats_late(&c->network, &c->rng, &after_ms)) {
        events_add(&c->events, after_ms,
                   (struct event){.kind = EVENT_LATE,
                                  .trial = w->trial,
                                  .attempt = w->attempt,
                                  .step = w->worker.step});
    }
    if (answer.verdict != VERDICT_RUN) { /* saves its checkpoint first */
        w->is_saving = true;
        plan_step(c, worker, chance_between(&c->rng, 0, 5000 - 1));
    } else if (w->ignores_answers && w->worker.step >= w->worker.until) {
        send_result(c, worker);
    } else {
        w->worker.until = answer.until;
        work_on(c, worker);
    }
}

void cluster_step_job(struct cluster *c, const struct event *event)
{
    struct sim_worker *w = &c->workers[event->worker];

    if (event->turn != w->worker.turn) {
        return;
    }
    if (w->is_saving) {
        send_result(c, event->worker);
        return;
    }
    if (w->silent_ms > 0) { /* cut off: it trains on and reports much later */
        plan_step(c, event->worker, w->silent_ms);
        w->silent_ms = 0;
        return;
    }
    int64_t next = w->worker.step + w->stride;
    w->worker.step = next > w->worker.until && !w->overshoots ? w->worker.until : next;
    if (w->worker.step >= w->dies_at) {
        die(c, event->worker);
    } else if (w->worker.step >= w->fails_at) {
        send_failure(c, event->worker);
    } else if (w->worker.step >= w->ends_at) {
        send_result(c, event->worker);
    } else {
        report(c, event->worker);
    }
}

void cluster_receive_late(struct cluster *c, const struct event *event)
{
    const struct sim_trial *t = &c->trials[event->trial];

    if (t->phase == PHASE_RUNNING && t->attempt == event->attempt) {
        measure_again(c, event->trial, event->step);
    }
}

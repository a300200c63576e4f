#include "tests/sim/cluster_server.h"

#include <stdlib.h>

#include "common/array.h"
#include "tests/sim/cluster_values.h"

struct schedule_moment cluster_moment_of(const struct cluster *c)
{
    return (struct schedule_moment){
        .now_ms = c->clock.now_ms,
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

void cluster_drop_retry(struct cluster *c, int64_t trial)
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

static void check_fact(struct cluster *c, const struct schedule_record *record)
{
    struct sim_trial *t = &c->trials[record->trial];

    if (record->fact == FACT_VALUE) {
        t->valued_at = record->step;
        c->n_complete += schedule_answer(c->schedule, record->trial).verdict == VERDICT_COMPLETE;
    }
    if (record->fact == FACT_PROMOTE && cluster_is_broken(c, record->trial, t->valued_at)) {
        watch_violate(&c->watch, I14_ALL_FAILED, "trial %d is promoted without a value",
                      (int)record->trial);
    }
}

static void store_fact(struct cluster *c, const struct schedule_record *record)
{
    struct schedule_log *stored = &c->stored;

    if (array_reserve(&stored->items, stored->n, &stored->cap, sizeof *stored->items, NULL) != 0) {
        abort();
    }
    stored->items[stored->n++] = *record;
}

void cluster_must(int failed, struct cluster *c, const struct err *err)
{
    if (failed) { /* a planted bug may break the schedule's own bookkeeping */
        watch_violate(&c->watch, I2_ONE_SLOT, "%s", err->text);
        events_clear(&c->events);
    }
}

void cluster_store_facts(struct cluster *c, struct schedule_log *log)
{
    for (size_t i = 0; i < log->n; i++) {
        const struct schedule_record *record = &log->items[i];
        watch_fact(&c->watch, record);
        c->out->n_values += record->fact == FACT_VALUE;
        c->out->n_promoted += record->fact == FACT_PROMOTE;
        c->out->history = splitmix64(c->out->history + (uint64_t)record->fact * 7919
                                     + (uint64_t)record->trial * 31 + (uint64_t)record->step);
        bool is_lost = c->o->planted != NULL && c->o->planted->forgets_facts
                       && record->fact == FACT_LOSE && chance_happens(&c->rng, 200);
        if (!is_lost) {
            store_fact(c, record);
        }
        if (record->trial != 0 && record->trial <= c->n_trials) {
            check_fact(c, record);
            align(c, record->trial);
        }
    }
    c->out->n_facts += (int64_t)log->n;
    schedule_log_finish(log);
}

void cluster_end_trial(struct cluster *c, int64_t trial, enum schedule_fact how)
{
    struct schedule_moment moment = cluster_moment_of(c);
    struct schedule_log log = {0};
    struct err err = {0};

    c->trials[trial].phase = PHASE_FINAL;
    if (how == FACT_FAIL && c->o->planted != NULL && c->o->planted->forgets_lost_slots) {
        return;
    }
    cluster_must(schedule_end(c->schedule, &moment, trial, how, &log, &err), c, &err);
    cluster_store_facts(c, &log);
}

/* The attempt is over; what becomes of the trial is the schedule's answer. */
void cluster_settle_trial(struct cluster *c, int64_t trial)
{
    c->out->end_ms = c->clock.now_ms;
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
        cluster_end_trial(c, trial, FACT_FAIL);
        return;
    }
    cluster_settle_trial(c, trial);
}

void cluster_plan_expiry(struct cluster *c, int64_t trial)
{
    const struct sim_trial *t = &c->trials[trial];

    events_add(&c->events, t->deadline_ms - c->clock.now_ms,
               (struct event){.kind = EVENT_EXPIRE, .trial = trial, .attempt = t->attempt});
}

bool cluster_accepts(struct cluster *c, int64_t trial, int64_t attempt)
{
    struct sim_trial *t = &c->trials[trial];

    if (t->attempt != attempt || t->phase == PHASE_FINAL) {
        return false;
    }
    bool is_revived = t->phase != PHASE_RUNNING;
    if (is_revived) {
        cluster_drop_retry(c, trial);
        t->phase = PHASE_RUNNING;
        schedule_hold(c->schedule, trial, t->granted);
    }
    t->deadline_ms = c->clock.now_ms + TTL_MS;
    if (is_revived) {
        cluster_plan_expiry(c, trial);
    }
    return true;
}

void cluster_expire(struct cluster *c, const struct event *event)
{
    const struct sim_trial *t = &c->trials[event->trial];

    if (t->phase != PHASE_RUNNING || t->attempt != event->attempt) {
        return;
    }
    if (t->deadline_ms > c->clock.now_ms) {
        cluster_plan_expiry(c, event->trial);
        return;
    }
    lose_attempt(c, event->trial);
}

void cluster_cancel(struct cluster *c, int64_t trial)
{
    struct sim_trial *t = &c->trials[trial];

    if (t->phase != PHASE_FINAL) {
        cluster_drop_retry(c, trial);
        cluster_end_trial(c, trial, FACT_CANCEL);
    }
}

/* ---- forecasts ---- */

void cluster_request_forecast(struct cluster *c, int64_t trial)
{
    struct sim_trial *t = &c->trials[trial];
    int64_t level;

    if (schedule_needs_forecast(c->schedule, trial, &level) && t->forecast_at != level) {
        t->forecast_at = level;
        events_add(&c->events, chance_between(&c->rng, 0, TTL_MS / 2 - 1),
                   (struct event){.kind = EVENT_FORECAST, .trial = trial, .step = level});
    }
}

/* Retries of trials that are out by now. */
static void drop_late_retries(struct cluster *c)
{
    for (size_t i = c->n_retries; i-- > 0;) {
        int64_t trial = c->retries[i];
        if (schedule_answer(c->schedule, trial).verdict != VERDICT_RUN) {
            cluster_drop_retry(c, trial);
            c->trials[trial].phase = PHASE_FINAL;
        }
    }
}

void cluster_apply_forecast(struct cluster *c, const struct event *event)
{
    struct schedule_moment moment = cluster_moment_of(c);
    const struct schedule_forecast forecast = {
        .known = c->n_complete >= 3,
        .chance = curves_forecast(&c->curves, event->trial, event->step),
        .mean = 1,
        .spread = 1,
        .incumbent = 1};
    struct schedule_log log = {0};
    struct err err = {0};

    cluster_must(schedule_apply_forecast(c->schedule, &moment, event->trial, event->step, &forecast,
                                         &log, &err),
                 c, &err);
    cluster_store_facts(c, &log);
    drop_late_retries(c);
    cluster_request_forecast(c, event->trial);
}

void cluster_tick(struct cluster *c)
{
    struct schedule_moment moment = cluster_moment_of(c);
    struct schedule_log log = {0};
    struct err err = {0};
    int64_t next_ms = 0;

    if (c->o->quorum > 0) {
        cluster_must(schedule_tick(c->schedule, &moment, &log, &next_ms, &err), c, &err);
        cluster_store_facts(c, &log);
        drop_late_retries(c);
    }
}

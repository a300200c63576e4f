/* The server: facts, and what follows from them; leases that run out; the model's word. */
#include <stdlib.h>

#include "common/rng.h"
#include "tests/sim/cluster_parts.h"

struct schedule_moment cluster_moment_of(const struct cluster *c)
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

static void check_truth(struct cluster *c, const struct schedule_record *record)
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

/* Stores and acts. */
void cluster_take_in(struct cluster *c, struct schedule_log *log)
{
    for (size_t i = 0; i < log->n; i++) {
        const struct schedule_record *record = &log->items[i];
        watch_fact(&c->watch, record);
        c->out->n_values += record->fact == FACT_VALUE;
        c->out->n_promoted += record->fact == FACT_PROMOTE;
        c->out->history = splitmix64(c->out->history + (uint64_t)record->fact * 7919
                                     + (uint64_t)record->trial * 31 + (uint64_t)record->step);
        bool is_lost = c->o->planted != NULL && c->o->planted->forgets_facts
                       && record->fact == FACT_LOSE && cluster_chance(c, 200);
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
    cluster_take_in(c, &log);
}

/* The attempt is over; what becomes of the trial is the schedule's answer. */
void cluster_settle_trial(struct cluster *c, int64_t trial)
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
        cluster_end_trial(c, trial, FACT_FAIL);
        return;
    }
    cluster_settle_trial(c, trial);
}

/* Is this the trial's newest attempt, so that its word counts? Revives an expired lease. */
bool cluster_hears(struct cluster *c, int64_t trial, int attempt)
{
    struct sim_trial *t = &c->trials[trial];

    if (t->attempt != attempt || t->phase == PHASE_FINAL) {
        return false;
    }
    if (t->phase != PHASE_RUNNING) {
        cluster_drop_retry(c, trial);
        t->phase = PHASE_RUNNING;
        schedule_hold(c->schedule, trial, t->granted);
        cluster_push(c, (struct event){.at_ms = c->now_ms + TTL_MS,
                                       .kind = EVENT_EXPIRE,
                                       .trial = trial,
                                       .attempt = attempt});
    }
    t->deadline_ms = c->now_ms + TTL_MS;
    return true;
}

void cluster_expire(struct cluster *c, const struct event *event)
{
    const struct sim_trial *t = &c->trials[event->trial];

    if (t->phase != PHASE_RUNNING || t->attempt != event->attempt) {
        return;
    }
    if (t->deadline_ms > c->now_ms) {
        cluster_push(c, (struct event){.at_ms = t->deadline_ms,
                                       .kind = EVENT_EXPIRE,
                                       .trial = event->trial,
                                       .attempt = event->attempt});
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

/* ---- what the model says ---- */

void cluster_ask_word(struct cluster *c, int64_t trial)
{
    struct sim_trial *t = &c->trials[trial];
    int64_t level;

    if (schedule_needs_forecast(c->schedule, trial, &level) && t->asked_at != level) {
        t->asked_at = level;
        cluster_push(c, (struct event){.at_ms = c->now_ms + (int64_t)rng_below(&c->rng, TTL_MS / 2),
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
            cluster_drop_retry(c, trial);
            c->trials[trial].phase = PHASE_FINAL;
        }
    }
}

void cluster_hear_word(struct cluster *c, const struct event *event)
{
    uint64_t key = splitmix64(c->o->curve_seed) + (uint64_t)event->trial * 1000003;
    struct schedule_moment moment = cluster_moment_of(c);
    const struct schedule_forecast word = {.known = c->n_complete >= 3,
                                           .chance =
                                               cluster_unit(key, 5000 + (uint64_t)event->step) / 2,
                                           .mean = 1,
                                           .spread = 1,
                                           .incumbent = 1};
    struct schedule_log log = {0};
    struct err err = {0};

    cluster_must(
        schedule_apply_forecast(c->schedule, &moment, event->trial, event->step, &word, &log, &err),
        c, &err);
    cluster_take_in(c, &log);
    drop_late_retries(c);
    cluster_ask_word(c, event->trial);
}

void cluster_tick(struct cluster *c)
{
    struct schedule_moment moment = cluster_moment_of(c);
    struct schedule_log log = {0};
    struct err err = {0};
    int64_t next_ms = 0;

    if (c->o->quorum > 0) {
        cluster_must(schedule_tick(c->schedule, &moment, &log, &next_ms, &err), c, &err);
        cluster_take_in(c, &log);
        drop_late_retries(c);
    }
}

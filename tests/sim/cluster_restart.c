#include "tests/sim/cluster_restart.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/cluster_server.h"
#include "tests/sim/cluster_values.h"

static bool same_ranking(const struct rung_ranking *a, const struct rung_ranking *b)
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
               && one->reported == two->reported && one->n_without_lease == two->n_without_lease
               && one->n_durations == two->n_durations && same_ranking(&one->all, &two->all)
               && same_ranking(&one->waiting, &two->waiting);
    }
    return same;
}

static bool same_entry(const struct rung_entry *a, const struct rung_entry *b)
{
    bool is_live = a->state == ENTRY_RUNNING || a->state == ENTRY_WAITING;
    bool same = a->state == b->state && a->bracket == b->bracket && a->rung == b->rung
                && a->has_forecast == b->has_forecast && a->is_short == b->is_short
                && a->since_ms == b->since_ms;

    if (same && (a->state == ENTRY_STOPPED || a->state == ENTRY_ENDED || a->is_late)) {
        same = a->last.step == b->last.step; /* the resource it was trained with */
    }
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
        const struct rung_entry *one = schedule_entry(a, trial);
        const struct rung_entry *two = schedule_entry(b, trial);
        same = (one == NULL) == (two == NULL) && (one == NULL || same_entry(one, two));
    }
    return same;
}

struct schedule *cluster_fresh_schedule(struct cluster *c)
{
    struct schedule *schedule = NULL;
    struct err err = {0};

    if (schedule_create(c->study, &schedule, &err) != 0) {
        abort();
    }
    if (c->o->planted != NULL) {
        const struct planted *bug = c->o->planted;
        c->planted_kind = *schedule->kind;
        c->planted_kind.decide = bug->decide != NULL ? bug->decide : schedule->kind->decide;
        c->planted_kind.offer = bug->offer != NULL ? bug->offer : schedule->kind->offer;
        c->planted_kind.plan = bug->plan != NULL ? bug->plan : schedule->kind->plan;
        schedule->kind = &c->planted_kind;
        schedule->options.delta *= bug->wants_more_chance ? 3 : 1;
    }
    return schedule;
}

void cluster_restart(struct cluster *c)
{
    struct schedule *rebuilt = cluster_fresh_schedule(c);
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
                cluster_must(schedule_recall(rebuilt, trial, 0, step,
                                             cluster_value_of(c, trial, step), &err),
                             c, &err);
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

#include "tests/sim/cluster_claims.h"

#include <stdlib.h>

#include "common/rng.h"
#include "tests/sim/cluster_server.h"
#include "tests/sim/cluster_workers.h"
#include "tests/sim/watch_legal.h"

static int64_t new_trial(struct cluster *c)
{
    if (c->n_trials + 1 >= c->cap_trials) {
        abort(); /* never more than n_trials */
    }
    c->trials[++c->n_trials] = (struct sim_trial){0};
    if (chance_happens(&c->rng, c->o->cancel)) {
        events_add(&c->events, chance_between(&c->rng, 0, 20 * TTL_MS - 1),
                   (struct event){.kind = EVENT_CANCEL, .trial = c->n_trials});
    }
    return c->n_trials;
}

static void seal(struct cluster *c)
{
    struct schedule_moment moment = cluster_moment_of(c);
    struct schedule_log log = {0};
    struct err err = {0};

    cluster_must(schedule_seal(c->schedule, &moment, &log, &err), c, &err);
    cluster_store_facts(c, &log);
    c->is_sealed = true;
}

/* False: nothing may go out. */
static bool serve(struct cluster *c, size_t worker)
{
    struct schedule_moment moment = cluster_moment_of(c);
    struct schedule_offer offer;
    struct schedule_log log = {0};
    struct err err = {0};

    if (c->n_retries > 0 && !c->is_paused) {
        int64_t trial = c->retries[0];
        cluster_drop_retry(c, trial);
        int64_t until = schedule_answer(c->schedule, trial).until;
        schedule_hold(c->schedule, trial, until);
        cluster_begin_job(c, worker, trial, until);
        return true;
    }
    schedule_offer(c->schedule, &moment, &offer);
    if (offer.kind == OFFER_NOTHING) {
        return false;
    }
    int64_t trial = offer.kind == OFFER_NEW ? new_trial(c) : offer.trial;
    cluster_must(schedule_take(c->schedule, &moment, &offer, trial, &log, &err), c, &err);
    cluster_store_facts(c, &log);
    if (c->schedule->n_open > c->out->most_open) {
        c->out->most_open = c->schedule->n_open;
    }
    cluster_begin_job(c, worker, trial, offer.until);
    if (c->n_trials >= c->o->n_trials && !c->is_sealed) {
        cluster_turn_all(c);
        c->out->open_ms = c->clock.now_ms;
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

/* A worker waits: is there really no job for it? */
void cluster_check_idling(struct cluster *c)
{
    struct schedule_moment moment = cluster_moment_of(c);

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

void cluster_dispatch(struct cluster *c)
{
    for (size_t i = 0; i < c->o->n_workers; i++) {
        if (c->workers[i].phase == WORKER_WAITING && !serve(c, i)) {
            cluster_check_idling(c);
            return;
        }
    }
}

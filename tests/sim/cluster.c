#include "tests/sim/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "tests/sim/cluster_claims.h"
#include "tests/sim/cluster_restart.h"
#include "tests/sim/cluster_server.h"
#include "tests/sim/cluster_workers.h"
#include "tests/support/schedule_fixture.h"

static void handle_event(struct cluster *c)
{
    struct event event = events_take(&c->events);

    c->clock.now_ms = event.at_ms;
    switch ((enum event_kind)event.kind) {
    case EVENT_STEP:
        cluster_step_job(c, &event);
        break;
    case EVENT_UP:
        cluster_free_worker(c, event.worker);
        break;
    case EVENT_EXPIRE:
        cluster_expire(c, &event);
        break;
    case EVENT_LATE:
        cluster_receive_late(c, &event);
        break;
    case EVENT_CANCEL:
        cluster_cancel(c, event.trial);
        break;
    case EVENT_UNPAUSE:
        c->is_paused = false;
        break;
    case EVENT_FORECAST:
        cluster_apply_forecast(c, &event);
        break;
    }
    if (chance_happens(&c->rng, c->o->restart)) {
        cluster_restart(c);
    }
    if (!c->is_paused && chance_happens(&c->rng, c->o->pause)) {
        c->is_paused = true;
        events_add(&c->events, 2 * TTL_MS, (struct event){.kind = EVENT_UNPAUSE});
    }
    cluster_tick(c);
    cluster_dispatch(c);
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
                   o->reported == REPORT_NEGATED ? "maximize" : "minimize", o->strategy,
                   (int)o->eta, options, (int)o->r_min, (int)o->R);
    c->study = fixture_study(members);
    c->schedule = cluster_fresh_schedule(c);
    int64_t n_kinds = o->brackets;
    if (n_kinds == 0) {
        struct table_input input = table_input_of(c->study, c->schedule->options.ratio);
        n_kinds = is_asha ? 1 : tables_s_max(&input) + 1;
    }
    enum watch_kind kind = !is_asha           ? WATCH_SYNC
                           : o->is_predictive ? WATCH_PREDICTIVE
                           : o->is_stopping   ? WATCH_STOPPING
                                              : WATCH_PROMOTION;
    watch_init(&c->watch, kind, o->R, o->r_min, o->eta, n_kinds, o->is_progressive,
               o->reported == REPORT_NEGATED);
}

static void open_cluster(struct cluster *c)
{
    const struct cluster_options *o = c->o;

    clock_manual_init(&c->clock, 0, 0);
    events_init(&c->events, &c->clock);
    c->rng = rng_seeded(splitmix64(o->seed));
    c->curves = (struct curves){o->curve_seed, o->nan};
    c->network = (struct network){
        .repeated = o->twice, .repeated_late = o->late, .late_ms = {0, 5 * TTL_MS - 1}};
    c->faults = (struct worker_faults){.crash = o->crash,
                                       .down_ms = {0, 4 * TTL_MS - 1},
                                       .silence = o->silence,
                                       .silence_ms = {3 * TTL_MS, 3 * TTL_MS}};
    c->cap_trials = o->n_trials + 2;
    c->trials = calloc((size_t)c->cap_trials, sizeof *c->trials);
    c->retries = calloc((size_t)c->cap_trials, sizeof *c->retries);
    c->workers = calloc(o->n_workers, sizeof *c->workers);
    if (c->trials == NULL || c->retries == NULL || c->workers == NULL) {
        abort();
    }
    for (size_t i = 0; i < o->n_workers; i++) {
        int64_t speed_ms = o->same_speed ? 1000 : chance_between(&c->rng, 200, 4199);
        c->workers[i].worker.ms_per_step = (struct span){speed_ms, speed_ms};
    }
    open_study(c);
}

/* After the last event: has everything ended? */
static void check_end(struct cluster *c)
{
    for (int64_t trial = 1; trial <= c->n_trials; trial++) {
        enum trial_phase phase = c->trials[trial].phase;
        if (phase == PHASE_RUNNING || phase == PHASE_QUEUED) {
            watch_violate(&c->watch, I9_IDEMPOTENT, "trial %d leaks its slot", (int)trial);
        }
    }
    cluster_check_idling(c);
    watch_end(&c->watch);
}

void cluster_run(const struct cluster_options *options, struct cluster_outcome *outcome)
{
    struct cluster c = {.o = options, .out = outcome};
    int64_t n_events_left = 4000 * (options->n_trials + 100);

    *outcome = (struct cluster_outcome){0};
    open_cluster(&c);
    cluster_dispatch(&c);
    while (events_next(&c.events) != NULL && n_events_left-- > 0) {
        handle_event(&c);
    }
    if (n_events_left <= 0) {
        watch_violate(&c.watch, I10_FINISH, "the study does not end");
    }
    check_end(&c);
    outcome->violated = c.watch.violated;
    memcpy(outcome->texts, c.watch.texts, sizeof outcome->texts);
    outcome->promotions = watch_promotions(&c.watch);
    c.clock.now_ms = outcome->end_ms; /* what came later was no work */
    cluster_turn_all(&c);
    watch_finish(&c.watch);
    schedule_destroy(c.schedule);
    study_def_destroy(c.study);
    schedule_log_finish(&c.stored);
    events_finish(&c.events);
    free(c.trials);
    free(c.retries);
    free(c.workers);
}

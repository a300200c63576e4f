#include "server/state/view.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "server/state/node_health.h"
#include "server/state/state.h"

static int by_name(const void *a, const void *b)
{
    const struct live_study_view *left = a;
    const struct live_study_view *right = b;

    return strcmp(left->name, right->name);
}

static int by_row_name(const void *a, const void *b)
{
    const struct live_study *const *left = a;
    const struct live_study *const *right = b;

    return strcmp((*left)->row.name, (*right)->row.name);
}

/* Views are made many times a second, studies are not. */
static int order_studies(struct state *state, struct err *err)
{
    if (!state->by_name_is_old) {
        return 0;
    }
    state->n_by_name = 0;
    for (struct live_study *study = state->studies; study != NULL; study = study->next) {
        TRY(array_reserve(&state->by_name, state->n_by_name, &state->cap_by_name,
                          sizeof *state->by_name, err));
        state->by_name[state->n_by_name++] = study;
    }
    if (state->n_by_name > 0) {
        qsort(state->by_name, state->n_by_name, sizeof *state->by_name, by_row_name);
    }
    state->by_name_is_old = false;
    return 0;
}

static int copy_study(const struct live_study *study, struct live_study_view *view, struct err *err)
{
    view->id = study->row.id;
    memcpy(view->name, study->row.name, sizeof view->name);
    view->def = shared_def_hold(study->shared);
    view->row = study->row;
    view->row.accepted = NULL;
    view->row.definition = NULL;
    view->tally = study->tally;
    view->live_leases = study->live_leases;
    view->n_metrics = study->n_metrics;
    view->metrics = malloc(study->n_metrics * sizeof *view->metrics + 1);
    if (view->metrics == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (study->n_metrics > 0) {
        memcpy(view->metrics, study->metrics, study->n_metrics * sizeof *view->metrics);
    }
    return 0;
}

static double newest_value(const struct live_lease *lease)
{
    const struct study_def *def = lease->study->def;

    for (size_t i = 0; def->n_objectives == 1 && i < lease->n_last; i++) {
        if (strcmp(lease->study->metrics[lease->last[i].metric], def->objectives[0].metric) == 0) {
            return lease->last[i].value;
        }
    }
    return (double)NAN;
}

static bool has_reported(const struct live_lease *lease, const char *metric)
{
    for (size_t i = 0; i < lease->n_last; i++) {
        if (lease->last[i].step == lease->last_step
            && strcmp(lease->study->metrics[lease->last[i].metric], metric) == 0) {
            return true;
        }
    }
    return false;
}

static unsigned missing_objectives(const struct live_lease *lease)
{
    const struct live_study *study = lease->study;
    const struct study_def *def = study->def;
    int64_t number = trial_id_number(lease->row.trial);
    struct schedule_answer answer = schedule_answer(study->schedule, number);
    unsigned missing = 0;

    if (def->n_objectives == 1 || !answer.has_until || answer.verdict != VERDICT_RUN
        || lease->last_step < answer.until
        || schedule_is_whole(study->schedule, number, answer.until)) {
        return 0;
    }
    for (size_t k = 0; k < def->n_objectives; k++) {
        missing |= has_reported(lease, def->objectives[k].metric) ? 0 : 1U << k;
    }
    return missing;
}

static void copy_leases(const struct state *state, struct live_view *view)
{
    size_t at = 0;
    const struct live_lease *lease;

    while ((lease = map_next(&state->lease_by_attempt, &at)) != NULL) {
        if (lease->aborted || lease->trial == NULL) {
            continue;
        }
        struct live_lease_view *copy = &view->leases[view->n_leases++];
        copy->study = lease->study->row.id;
        copy->trial = trial_id_number(lease->row.trial);
        copy->attempt = lease->row.number;
        memcpy(copy->worker, lease->worker->name, sizeof copy->worker);
        copy->expires_in_ms = lease->expired ? -1 : lease->deadline.at_ms - state->now_ms;
        copy->progress = lease->progress;
        copy->last_step = lease->last_step;
        copy->missing = missing_objectives(lease);
        copy->value = newest_value(lease);
        copy->digits = lease->study->def->resource_digits;
    }
}

/* A worker asks at least once a minute, or a few minutes apart where its jobs fail. */
#define GONE_AFTER_MS (15 * 60 * 1000)

static enum node_state worker_state(const struct state *state, const struct live_worker *worker)
{
    enum node_state of_node = node_state(worker->node);
    bool is_here = worker->leases > 0 || worker->waiting > 0
                   || state->wall_ms - worker->last_seen_ms < GONE_AFTER_MS;

    return of_node != NODE_ACTIVE || is_here ? of_node : NODE_GONE;
}

static void copy_health(const struct state *state, const struct live_worker *worker,
                        struct live_worker_view *copy)
{
    const struct node_row *node = &worker->node->row;
    int64_t seen_ms = state->wall_ms - worker->first_seen_ms;

    copy->state = node_state_name(worker_state(state, worker));
    (void)snprintf(copy->reason, sizeof copy->reason, "%s",
                   node->reason[0] != '\0' ? node->reason : worker->health);
    copy->first_seen_ms = worker->first_seen_ms;
    copy->last_report_ms = worker->last_report_ms;
    copy->completed = worker->completed;
    copy->failed = worker->failed;
    copy->per_hour = worker->first_seen_ms == 0 || seen_ms <= 0
                         ? (double)NAN
                         : (double)worker->completed * 3.6e6 / (double)seen_ms;
    copy->seconds_per_trial = worker->completed == 0
                                  ? (double)NAN
                                  : worker->completed_seconds / (double)worker->completed;
    copy->gpu_utilization = worker->leases > 0 ? worker->gpu_utilization : (double)NAN;
    copy->seconds_per_step =
        worker->steps > 0 ? worker->completed_seconds / worker->steps : (double)NAN;
}

static void copy_workers(const struct state *state, struct live_view *view)
{
    size_t at = 0;
    const struct live_worker *worker;

    while ((worker = map_next(&state->worker_by_name, &at)) != NULL) {
        struct live_worker_view *copy = &view->workers[view->n_workers++];
        memcpy(copy->name, worker->name, sizeof copy->name);
        memcpy(copy->host, worker->host, sizeof copy->host);
        copy->last_seen_ms = worker->last_seen_ms;
        copy->leases = worker->leases;
        copy->waiting = worker->waiting > 0;
        copy->n_gpus = worker->n_gpus;
        copy_health(state, worker, copy);
    }
}

int state_view(struct state *state, size_t n_waiting, struct live_view **view, struct err *err)
{
    TRY(order_studies(state, err));
    struct live_view *made = calloc(1, sizeof *made);
    size_t n_studies = state->n_by_name;

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    atomic_init(&made->holders, 1);
    made->last_seq = state->last_seq;
    made->purged_seq = state->purged_seq;
    made->event_gaps = state->event_gaps;
    made->n_waiting = n_waiting;
    made->studies = calloc(n_studies + 1, sizeof *made->studies);
    made->leases = calloc(state->lease_by_attempt.n + 1, sizeof *made->leases);
    made->workers = calloc(state->worker_by_name.n + 1, sizeof *made->workers);
    if (made->studies == NULL || made->leases == NULL || made->workers == NULL) {
        live_view_release(made);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n_studies; i++) {
        if (copy_study(state->by_name[i], &made->studies[made->n_studies++], err) != 0) {
            live_view_release(made);
            return -1;
        }
    }
    copy_leases(state, made);
    copy_workers(state, made);
    *view = made;
    return 0;
}

struct live_view *live_view_hold(struct live_view *view)
{
    atomic_fetch_add_explicit(&view->holders, 1, memory_order_relaxed);
    return view;
}

void live_view_release(struct live_view *view)
{
    if (view == NULL || atomic_fetch_sub_explicit(&view->holders, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; view->studies != NULL && i < view->n_studies; i++) {
        shared_def_destroy(view->studies[i].def);
        free(view->studies[i].metrics);
    }
    free(view->studies);
    free(view->leases);
    free(view->workers);
    free(view);
}

const struct live_lease_view *live_view_lease(const struct live_view *view, int64_t study,
                                              int64_t trial)
{
    for (size_t i = 0; i < view->n_leases; i++) {
        if (view->leases[i].trial == trial && view->leases[i].study == study) {
            return &view->leases[i];
        }
    }
    return NULL;
}

const struct live_study_view *live_view_study(const struct live_view *view, const char *name)
{
    struct live_study_view key = {0};

    if (strlen(name) >= sizeof key.name) {
        return NULL;
    }
    (void)strcpy(key.name, name);
    return bsearch(&key, view->studies, view->n_studies, sizeof key, by_name);
}

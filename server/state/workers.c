#include "server/state/workers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "server/state/node_health.h"

/* ---- the order in which they were seen ---- */

static void unlink_worker(struct state *state, struct live_worker *worker)
{
    struct live_worker **newer =
        worker->newer == NULL ? &state->newest_worker : &worker->newer->older;
    struct live_worker **older =
        worker->older == NULL ? &state->oldest_worker : &worker->older->newer;

    *newer = worker->older;
    *older = worker->newer;
}

static void link_newest(struct state *state, struct live_worker *worker)
{
    worker->newer = NULL;
    worker->older = state->newest_worker;
    if (worker->older == NULL) {
        state->oldest_worker = worker;
    } else {
        worker->older->newer = worker;
    }
    state->newest_worker = worker;
}

static void make_newest(struct state *state, struct live_worker *worker)
{
    unlink_worker(state, worker);
    link_newest(state, worker);
}

static void forget(struct state *state, struct live_worker *worker)
{
    unlink_worker(state, worker);
    (void)map_take(&state->worker_by_name, digest_text(worker->name));
    node_left(state, worker->node);
    free(worker);
}

/* Called when one is added: more than one a call, so that a table that has become too large,
 * because its workers were in use, gets smaller. */
#define LOOKED_AT 2
static void forget_old(struct state *state)
{
    for (int i = 0; i < LOOKED_AT && state->oldest_worker != NULL; i++) {
        struct live_worker *oldest = state->oldest_worker;
        if (state->worker_by_name.n < WORKERS_KEPT
            && state->now_ms - oldest->used_ms < WORKER_KEPT_MS) {
            return;
        }
        if (oldest->held > 0 || oldest->waiting > 0 || node_state(oldest->node) != NODE_ACTIVE) {
            make_newest(state, oldest);
        } else {
            forget(state, oldest);
        }
    }
}

/* ---- the table ---- */

static int add(struct state *state, const char *name, struct live_worker **worker, struct err *err)
{
    struct live_worker *added = calloc(1, sizeof *added);
    struct live_node *node;

    if (added == NULL || map_put(&state->worker_by_name, digest_text(name), added, err) != 0) {
        free(added);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (node_enter(state, name, &node, err) != 0) {
        (void)map_take(&state->worker_by_name, digest_text(name));
        free(added);
        return -1;
    }
    (void)snprintf(added->name, sizeof added->name, "%s", name);
    added->node = node;
    added->gpu_utilization = (double)NAN;
    link_newest(state, added);
    *worker = added;
    return 0;
}

/* Finds or adds the worker of this name, and makes it the newest. */
static int worker_named(struct state *state, const char *name, struct live_worker **worker,
                        struct err *err)
{
    struct live_worker *found = map_get(&state->worker_by_name, digest_text(name));

    if (found == NULL) {
        forget_old(state);
        TRY(add(state, name, &found, err));
    } else {
        make_newest(state, found);
    }
    found->used_ms = state->now_ms;
    *worker = found;
    return 0;
}

int worker_seen(struct state *state, const struct lease_ask *ask, struct live_worker **worker,
                struct err *err)
{
    struct live_worker *seen;

    TRY(worker_named(state, ask->worker, &seen, err));
    if (ask->host[0] != '\0') {
        memcpy(seen->host, ask->host, sizeof seen->host);
    }
    seen->n_gpus = (int64_t)ask->n_gpus;
    memcpy(seen->health, ask->health, sizeof seen->health);
    seen->last_seen_ms = state->wall_ms;
    if (seen->first_seen_ms == 0) {
        seen->first_seen_ms = state->wall_ms;
    }
    *worker = seen;
    return 0;
}

int worker_load(struct state *state, int64_t id, const char *name, struct live_worker **worker,
                struct err *err)
{
    TRY(worker_named(state, name, worker, err));
    (*worker)->id = id;
    return 0;
}

int worker_save(struct state *state, struct live_worker *worker, struct err *err)
{
    return worker->id != 0 ? 0 : store_worker_save(state->store, worker->name, &worker->id, err);
}

void workers_clear(struct state *state)
{
    for (struct live_worker *worker = state->newest_worker; worker != NULL;
         worker = worker->older) {
        worker->leases = 0;
        worker->id = 0; /* a row that a rolled-back group had made is none */
    }
}

void workers_finish(struct state *state)
{
    while (state->newest_worker != NULL) {
        forget(state, state->newest_worker);
    }
    map_finish(&state->worker_by_name);
}

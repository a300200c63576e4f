#include "server/state/workers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "server/state/node_health.h"

/* Finds or adds the worker of this name. */
static int worker_named(struct state *state, const char *name, struct live_worker **worker,
                        struct err *err)
{
    uint64_t key = digest_text(name);
    struct live_worker *found = map_get(&state->worker_by_name, key);

    if (found == NULL) {
        struct live_node *node;
        TRY(node_of(state, name, &node, err));
        found = calloc(1, sizeof *found);
        if (found == NULL || map_put(&state->worker_by_name, key, found, err) != 0) {
            free(found);
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        (void)snprintf(found->name, sizeof found->name, "%s", name);
        found->node = node;
        found->gpu_utilization = (double)NAN;
    }
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

int worker_load(struct state *state, int64_t id, const char *name, struct err *err)
{
    struct live_worker *worker;

    TRY(worker_named(state, name, &worker, err));
    worker->id = id;
    return map_put(&state->worker_by_id, (uint64_t)id, worker, err);
}

int worker_save(struct state *state, struct live_worker *worker, struct err *err)
{
    if (worker->id != 0) {
        return 0;
    }
    TRY(store_worker_insert(state->store, worker->name, &worker->id, err));
    return map_put(&state->worker_by_id, (uint64_t)worker->id, worker, err);
}

/* The table of workers.
 *
 * A worker is kept while a lease names it, an ask of it waits, or its node is drained or
 * quarantined; otherwise until nothing was heard of it for WORKER_KEPT_MS, or until WORKERS_KEPT
 * others were seen since. Each job of a batch system is a worker of its own name, so that the names
 * that there have ever been are without end. Its row in the store stays: attempts name it. */
#ifndef SERVER_STATE_WORKERS_H
#define SERVER_STATE_WORKERS_H

#include "server/state/state.h"

#define WORKERS_KEPT 20000
#define WORKER_KEPT_MS (24 * 60 * 60 * 1000)

/* Finds or adds the worker of an ask, and notes when and with what it asked. Forgets older ones.
 * ERR_NOMEM. */
MUST_USE int worker_seen(struct state *state, const struct lease_ask *ask,
                         struct live_worker **worker, struct err *err);
/* Finds or adds a worker that the store knows. ERR_NOMEM. */
MUST_USE int worker_load(struct state *state, int64_t id, const char *name,
                         struct live_worker **worker, struct err *err);
/* Finds the worker's row in the store, or gives it one. */
MUST_USE int worker_save(struct state *state, struct live_worker *worker, struct err *err);
/* Forgets leases and rows, which are loaded again; the workers stay. */
void workers_clear(struct state *state);
void workers_finish(struct state *state);

#endif

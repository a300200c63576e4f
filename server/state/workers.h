/* The table of workers. */
#ifndef SERVER_STATE_WORKERS_H
#define SERVER_STATE_WORKERS_H

#include "server/state/state.h"

/* Finds or adds the worker of an ask, and notes when and with what it asked. ERR_NOMEM. */
MUST_USE int worker_seen(struct state *state, const struct lease_ask *ask,
                         struct live_worker **worker, struct err *err);
/* Adds a worker that the store knows. ERR_NOMEM. */
MUST_USE int worker_load(struct state *state, int64_t id, const char *name, struct err *err);
/* Gives the worker a row in the store, if it has none. */
MUST_USE int worker_save(struct state *state, struct live_worker *worker, struct err *err);

#endif

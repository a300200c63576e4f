/* Requests whose answer takes longer than a reader thread may be taken: they go on on the optimiser
 * threads, step by step, between those of studies, and wait there for their turn. */
#ifndef SERVER_API_THINK_H
#define SERVER_API_THINK_H

#include <stdatomic.h>

#include "server/api/read.h"

#define THINK_SECONDS_MAX 60 /* for all of a request, its waiting included */

/* Whether a request that began then (monotonic) is still worth a step: 0. ERR_OVERLOADED: its
 * client has gone, or THINK_SECONDS_MAX have passed; `advice` says what may help. */
MUST_USE int think_check(struct http_request *request, int64_t began_us, const char *advice,
                         struct err *err);

/* What a read does after its rows are read. `state` is its own, owned. */
struct read_thought {
    /* The next step, of up to some 100 ms; *more ← whether another one follows. A longer one looks
     * at `stop` (common/stop.h) and ends when it is set, with ERR_OVERLOADED. */
    int (*step)(void *state, const atomic_bool *stop, bool *more, struct err *err);
    /* Writes the answer's JSON as the read itself would; there is no store any more. */
    int (*write)(struct read_request *read, void *state, struct err *err);
    void (*destroy)(void *state);
    const char *advice; /* for think_check() */
};

/* Goes on with the read on the optimiser threads, which answer it; takes the state on success. To
 * be called last by a read, outside a transaction. `bytes`: of the state. ERR_OVERLOADED: too many
 * requests wait. */
MUST_USE int read_think(struct read_request *read, const struct read_thought *thought, void *state,
                        size_t bytes, struct err *err);

#endif

/* The request ids of asks: a repeated ask gets the same lease. Kept for ten minutes after the lease
 * has ended. */
#ifndef SERVER_STATE_REQUESTS_H
#define SERVER_STATE_REQUESTS_H

#include "server/state/state.h"

#define REQUEST_KEPT_MS (10 * 60 * 1000)

/* NULL: unknown. */
struct cached_request *request_find(const struct state *state, const unsigned char request[16]);
/* The request was answered with this attempt; a newer attempt replaces an older one. `ended_ms`: 0
 * while its lease lives. ERR_NOMEM. */
MUST_USE int request_put(struct state *state, const unsigned char request[16], int64_t attempt_id,
                         int64_t ended_ms, struct err *err);
/* The lease has ended. */
void request_end(struct state *state, const struct live_lease *lease);
/* Forgets what has been kept long enough. */
void requests_purge(struct state *state);
/* Forgets all. */
void requests_clear(struct state *state);

#endif

/* From the lease id of a call to the lease. A newer attempt ends an older one, the clock alone does
 * not. */
#ifndef SERVER_STATE_LOOKUP_H
#define SERVER_STATE_LOOKUP_H

#include "server/state/state.h"

/* The lease that a call names. 0: *lease is the newest attempt, live, expired or aborted.
 * ERR_NOT_FOUND, ERR_LEASE_SUPERSEDED or ERR_LEASE_ENDED; then *ended (if not NULL) holds the
 * attempt's row when it was found. */
MUST_USE int lease_lookup(struct state *state, const char *text, struct live_lease **lease,
                          struct attempt_row *ended, struct err *err);

#endif

/* The table of leases. A newer attempt ends an older one, the clock alone does not. */
#ifndef SERVER_STATE_LEASES_H
#define SERVER_STATE_LEASES_H

#include "server/state/state.h"

/* Adds the lease of the trial's newest attempt, not counted yet. ERR_NOMEM. */
MUST_USE int lease_enter(struct state *state, struct live_trial *trial,
                         const struct attempt_row *row, struct live_worker *worker,
                         struct live_lease **lease, struct err *err);
/* Out of every table; frees it. */
void lease_leave(struct state *state, struct live_lease *lease);

/* How long it lasts without a call: what the study says, or longer where its worker asked for it.
 */
int64_t lease_asked_ttl_ms(const struct live_lease *lease);
/* Its time begins anew. */
MUST_USE int lease_renew(struct state *state, struct live_lease *lease, struct err *err);
/* What its holder should do now. */
void lease_action(struct state *state, const struct live_lease *lease, struct action_reply *reply);

#endif

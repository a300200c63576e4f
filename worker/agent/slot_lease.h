/* The lease of a slot's trial, and what the server says of it. These hooks only note it, and tell
 * the job; slot_tick() acts. */
#ifndef WORKER_AGENT_SLOT_LEASE_H
#define WORKER_AGENT_SLOT_LEASE_H

#include "worker/agent/slot_state.h"

/* Makes the lease of the slot's grant; `resumed`: what its spool says of it, NULL: it begins.
 * ERR_NOMEM. */
MUST_USE int slot_take_trial(struct slot *slot, const struct attempt_log *resumed, struct err *err);
/* Hooks of the lease and of the request for one. `context` is the slot. */
void slot_on_reach(void *context, bool reached, const char *why);
void slot_on_fatal(void *context, const struct err *err);

#endif

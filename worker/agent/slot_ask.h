/* A slot asks for its next trial, and takes devices for it. */
#ifndef WORKER_AGENT_SLOT_ASK_H
#define WORKER_AGENT_SLOT_ASK_H

#include "worker/agent/slot_state.h"

/* Is nothing more to be asked for by any slot of the agent? */
bool slot_asks_no_more(const struct agent_context *context);
/* Begins to ask for the next trial, unless there are to be no more; then the slot is CLOSED. */
void slot_begin_asking(struct slot *slot, int64_t wait_ms);
/* Asks if the slot may and it is time. */
void slot_ask_tick(struct slot *slot);
/* Withdraws what it asks for; CLOSED once nothing is on its way. */
void slot_stop_asking(struct slot *slot);
/* A hook of the request: the server has no trial for the slot. `context` is the slot. */
void slot_on_nothing(void *context, const struct no_lease *no);
void slot_close(struct slot *slot);

/* Takes the devices that the slot's grant needs. Fails if they are not there any more. */
MUST_USE int slot_take_devices(struct slot *slot, struct err *err);
/* Gives them back. Where there are some, these wait for *wait_ms and not the slot: it becomes 0. */
void slot_give_devices_back(struct slot *slot, int64_t *wait_ms);

#endif

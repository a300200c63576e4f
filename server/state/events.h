/* What happened, as events in the store. */
#ifndef SERVER_STATE_EVENTS_H
#define SERVER_STATE_EVENTS_H

#include "server/state/state.h"

/* Appends an event of this group; its number is state->last_seq afterwards. */
MUST_USE int event_append(struct state *state, enum event_kind kind, int64_t study, int64_t trial,
                          int64_t attempt, struct err *err);

#endif

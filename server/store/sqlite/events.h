/* Events, for the other files of this folder. */
#ifndef SERVER_STORE_SQLITE_EVENTS_H
#define SERVER_STORE_SQLITE_EVENTS_H

#include "server/store/store.h"

/* The first event of an epoch, *first, in a group; its number is beyond those of the state that was
 * given up. Clients that know these are told so (store_event_gaps()): of the events that came after
 * the newest one here, or of all where the state was that of another database. */
MUST_USE int store_event_begin_epoch(struct store *store, const struct clock *clock, bool is_other,
                                     int64_t *first, struct err *err);

#endif

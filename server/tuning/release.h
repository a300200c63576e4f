/* How a lease ends without a result. */
#ifndef SERVER_TUNING_RELEASE_H
#define SERVER_TUNING_RELEASE_H

#include "server/tuning/internal.h"

/* Ends the leases whose time is over. */
MUST_USE int leases_expire(struct tuning *tuning, struct err *err);
/* Ends those that an earlier epoch gave out (store.h), as if they were handed back: no trial has
 * lost an attempt by it. Costs nothing where there are none. */
MUST_USE int leases_end_old(struct tuning *tuning, struct err *err);

#endif

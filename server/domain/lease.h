/* A lease: the right of one worker to run one attempt of a trial, and its name on the wire.
 *
 * The id is `l_` + the attempt's row in base32 + a 96-bit secret in base32. It is found by the row
 * and compared in constant time. The fence is the newer attempt, not the clock. */
#ifndef SERVER_DOMAIN_LEASE_H
#define SERVER_DOMAIN_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/wire/wire.h"

#define LEASE_SECRET_BYTES 12

struct lease_name {
    int64_t attempt_id; /* row of the attempt, > 0 */
    unsigned char secret[LEASE_SECRET_BYTES];
};

/* text ← the id, ended by NUL. */
void lease_name_format(const struct lease_name *name, char text[LEASE_ID_BYTES]);
/* ERR_NOT_FOUND when it is no lease id at all. */
MUST_USE int lease_name_parse(const char *text, struct lease_name *name, struct err *err);
/* Sets ERR_NOT_FOUND for an id that no lease has; always -1. */
int no_such_lease(struct err *err);
/* Whether two secrets are equal, in constant time. */
bool lease_secret_equal(const unsigned char a[LEASE_SECRET_BYTES],
                        const unsigned char b[LEASE_SECRET_BYTES]);

/* Seconds between heartbeats: a third of the ttl, and for the whole cluster together at most 500
 * heartbeats a second. */
double lease_heartbeat_seconds(int64_t ttl_ms, int64_t live_leases);
/* The ttl that goes with it: never under three heartbeats. */
int64_t lease_ttl_ms(int64_t ttl_ms, int64_t live_leases);

#endif

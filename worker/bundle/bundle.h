/* A bundle: leases that were handed out at once, to be worked off where there is no network.
 *
 * A tar file: bundle.json says what it is, and each leases/NNNN.json is a lease as the server gave
 * it. What becomes of them is written into a folder beside it (results.h). */
#ifndef WORKER_BUNDLE_BUNDLE_H
#define WORKER_BUNDLE_BUNDLE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"

#define BUNDLE_LEASES_MAX 10000

struct bundle {
    char *study;
    char *server; /* its URL */
    size_t n;
    json_t **leases; /* answers to a lease call for `study`, checked; each has an id of its own */
};
void bundle_finish(struct bundle *bundle);
#define BUNDLE_NAME_BYTES 512
/* A name of the bundle, for files that outlive a worker: they are of no use to the server, nor to
 * another bundle of it. */
void bundle_name(const struct bundle *bundle, char name[BUNDLE_NAME_BYTES]);
/* Of the lease with this index, which is valid as long as the bundle. */
const char *bundle_lease_id(const struct bundle *bundle, size_t index);
OWN_VALUE(bundle)

/* Replaces the file as a whole, 0600: a lease is as good as its token. ERR_IO, ERR_NOMEM. */
MUST_USE int bundle_write(const char *path, const struct bundle *bundle, struct err *err);
/* ERR_IO: it cannot be read. ERR_INVALID: it is no bundle, and why. */
MUST_USE int bundle_read(const char *path, struct bundle *bundle, struct err *err);

#endif

/* Stands in for the server where there is none: hands out the leases of a bundle and keeps what
 * comes back. The agent runs them as it would any other. One thread. */
#ifndef WORKER_BUNDLE_OFFLINE_H
#define WORKER_BUNDLE_OFFLINE_H

#include "common/http/responder.h"
#include "worker/bundle/bundle.h"
#include "worker/bundle/results.h"

struct offline;

/* Both are borrowed. ERR_NOMEM. */
MUST_USE int offline_create(const struct bundle *bundle, const struct results *results,
                            struct offline **offline, struct err *err);
/* Gives up what is claimed. */
void offline_destroy(struct offline *offline);
OWN_POINTER(offline)
/* Lives as long as `offline`. */
const struct http_responder *offline_responder(const struct offline *offline);

#endif

/* Whose results lie in a folder. Two bundles in one folder would take each other's results for
 * their own, as they number their leases alike. */
#ifndef WORKER_BUNDLE_BELONGS_H
#define WORKER_BUNDLE_BELONGS_H

#include "worker/bundle/bundle.h"
#include "worker/bundle/results.h"

/* ERR_INVALID: the folder has results of another bundle, and which. ERR_IO. */
MUST_USE int results_check_bundle(const struct results *results, const struct bundle *bundle,
                                  struct err *err);

#endif

/* What an earlier worker has measured, taken up from the spool. */
#ifndef WORKER_AGENT_PENDING_RESTORE_H
#define WORKER_AGENT_PENDING_RESTORE_H

#include "worker/agent/attempt_log.h"
#include "worker/agent/pending.h"

/* Takes up what an earlier worker has left in the spool: what was answered counts as delivered, the
 * rest is sent, and may correct what was sent before. */
void pending_restore(struct pending *pending, uint64_t answered);

#define PENDING_REFUSALS_MAX ((size_t)PENDING_NAMES_MAX)

struct pending_refusals {
    size_t n;
    struct attempt_refusal items[PENDING_REFUSALS_MAX];
};
/* Those of a spool, in order. */
void pending_read_refusals(struct spool *spool, struct pending_refusals *refused);
bool pending_was_refused(const struct pending_refusals *refused, int64_t step,
                         const struct metric_value *metric);

#endif

/* A long spool made shorter. */
#ifndef WORKER_AGENT_PENDING_CONDENSE_H
#define WORKER_AGENT_PENDING_CONDENSE_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/agent/pending.h"
#include "worker/agent/spool.h"

/* Is most of what the spool holds of them answered? */
bool pending_is_mostly_answered(const struct pending *pending);
/* The furthest and the last step of the present run of the command. */
struct pending_steps {
    bool is_said;
    int64_t furthest, last;
};
/* Writes a shorter spool that says the same: of what was answered but what later decisions need.
 * Then spool_replace(). False: something found no place; nothing has changed. */
bool pending_condense(struct pending *pending, struct pending_steps steps, struct spool *into);

#endif

/* A job that ends by itself just before the end of its part of a resource in fractions: most likely
 * it counts in larger steps than its study, which then takes the trial for one that is over. */
#ifndef WORKER_AGENT_SHORT_END_H
#define WORKER_AGENT_SHORT_END_H

#include "worker/agent/slot.h"

/* Notes it with the trial where its next step would have been behind the end. */
void short_end_tell(struct slot *slot);

#endif

/* A checkpoint on its way from the server: received into a file, compared with the digest that its
 * name is, then unpacked. */
#ifndef WORKER_AGENT_CHECKPOINT_FETCH_H
#define WORKER_AGENT_CHECKPOINT_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/own.h"
#include "common/wire/checkpoint.h"
#include "worker/agent/loop.h"

#define CHECKPOINT_FETCHED_MAX ((int64_t)4 << 30) /* packed, and unpacked too */

struct checkpoint_fetch;

/* Begins: `uri` is what the grant names, `to` the empty folder; all are copied. NULL: without
 * memory. */
struct checkpoint_fetch *checkpoint_fetch_begin(struct loop *loop, const char *lease,
                                                const char *uri, const char *to);
/* Accepts NULL; leaves nothing of what was not unpacked. */
void checkpoint_fetch_destroy(struct checkpoint_fetch *fetch);
OWN_POINTER(checkpoint_fetch)

/* Does what is due. */
void checkpoint_fetch_tick(struct checkpoint_fetch *fetch);
/* Returns the monotonic moment in ms of the next tick that has something to do; INT64_MAX: none. */
int64_t checkpoint_fetch_deadline(const struct checkpoint_fetch *fetch);
bool checkpoint_fetch_is_done(const struct checkpoint_fetch *fetch);
/* Once it is done: NULL, or why it is not there. */
const char *checkpoint_fetch_failure(const struct checkpoint_fetch *fetch);
/* Once it has failed: is the disk of this machine the reason? */
bool checkpoint_fetch_lacks_room(const struct checkpoint_fetch *fetch);

#endif

/* A checkpoint on its way to the server: packed, then sent from the packed file, as often as it
 * takes within a bounded time. Whatever goes wrong, the checkpoint stays where it is and the result
 * names that place. */
#ifndef WORKER_AGENT_CHECKPOINT_UPLOAD_H
#define WORKER_AGENT_CHECKPOINT_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/own.h"
#include "common/wire/checkpoint.h"
#include "worker/agent/loop.h"

#define CHECKPOINT_PACKED_MAX ((int64_t)1 << 40) /* the server says how much it takes */

struct checkpoint_upload;

/* Begins: `from` is the folder, `lease` the lease's id, both copied. NULL: without memory. */
struct checkpoint_upload *checkpoint_upload_begin(struct loop *loop, const char *from,
                                                  const char *lease);
/* Accepts NULL; what was sent so far is forgotten at the server. */
void checkpoint_upload_destroy(struct checkpoint_upload *upload);
OWN_POINTER(checkpoint_upload)

/* Does what is due. */
void checkpoint_upload_tick(struct checkpoint_upload *upload);
/* Returns the monotonic moment in ms of the next tick that has something to do; INT64_MAX: none. */
int64_t checkpoint_upload_deadline(const struct checkpoint_upload *upload);
bool checkpoint_upload_is_done(const struct checkpoint_upload *upload);
/* Once it is done: what the server calls it; NULL: it does not have it, and *why says why not. */
const char *checkpoint_upload_uri(const struct checkpoint_upload *upload, const char **why);

#endif

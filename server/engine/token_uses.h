/* When tokens were last used: known to the loop, kept by the writer, seldom and many at a time, so
 * that a request that only reads costs no write. Writer thread. */
#ifndef SERVER_ENGINE_TOKEN_USES_H
#define SERVER_ENGINE_TOKEN_USES_H

#include <stdint.h>

#include "common/err.h"

struct engine;

/* Inside a group: writes the new uses when they are due, when the engine stops, and before a
 * changed list of tokens is published, which drops the uses of revoked ones. */
MUST_USE int token_uses_keep(struct engine *engine, struct err *err);
/* Returns when it is time again, in real milliseconds. */
int64_t token_uses_due_ms(const struct engine *engine);

/* The group was undone: what it took of them is taken again. */
void token_uses_undone(struct engine *engine);

#endif

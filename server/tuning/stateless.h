/* Suggestions for a study that is not stored: its definition, its finished trials and what is being
 * tried in, the next configurations out.
 *
 * The answer is a pure function of the request: of equal requests it is equal, also across restarts
 * and servers of one version on one kind of CPU. It is that of a stored study in exact serving with
 * this seed, ordinal and history, whose newest fit was made when it was due. Fits are made from the
 * first so many finished trials alone (strategy.h: fit_due), so that a request with one trial more
 * mostly finds its fit in the cache.
 *
 * Reading knows no thread and may take some 100 ms (a space with constraints is drawn from); each
 * step after it takes as long as one suggestion. One thread at a time. */
#ifndef SERVER_TUNING_STATELESS_H
#define SERVER_TUNING_STATELESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"
#include "server/domain/shared_def.h"
#include "server/strategy/strategy.h"
#include "server/suggester/fit_cache.h"

#define STATELESS_ITEMS_MAX 64
#define STATELESS_PENDING_MAX 1000

struct stateless_item {
    uint64_t ordinal;
    struct suggestion out; /* owned, without a fit */
};

struct stateless; /* one request */

/* Reads {"study", "trials", "pending", "n", "ordinal"}; -1 with ERR_INVALID and every fault, whose
 * pointers begin at the body, or ERR_NOMEM. */
MUST_USE int stateless_read(const json_t *body, struct stateless **stateless, struct faults *faults,
                            struct err *err);
/* Accepts NULL. */
void stateless_destroy(struct stateless *stateless);
OWN_POINTER(stateless)

/* The next step; *more ← whether another one follows. `cache` may be NULL, and changes nothing but
 * the time. ERR_OVERLOADED: `stop` was set; ERR_NUMERIC, ERR_NOMEM: there is no answer. */
MUST_USE int stateless_step(struct stateless *stateless, struct fit_cache *cache,
                            const atomic_bool *stop, bool *more, struct err *err);

struct shared_def *stateless_def(const struct stateless *stateless); /* borrowed */
/* What was suggested until now; borrowed. */
const struct stateless_item *stateless_items(const struct stateless *stateless, size_t *n);
/* Are there fewer than were asked for, because nothing is left to try? */
bool stateless_is_exhausted(const struct stateless *stateless);

#endif

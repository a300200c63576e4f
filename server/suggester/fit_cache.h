/* Fits of histories that are not stored, by a digest of what they were made from.
 *
 * It holds the FIT_CACHE_ENTRIES last used ones and never changes an answer: what it has is equal
 * to what would be made again. Any thread. */
#ifndef SERVER_SUGGESTER_FIT_CACHE_H
#define SERVER_SUGGESTER_FIT_CACHE_H

#include <stdbool.h>

#include "common/digest.h"
#include "common/err.h"
#include "server/domain/history.h"

#define FIT_CACHE_ENTRIES 256
#define FIT_CACHE_FIT_BYTES 65536 /* a longer fit is not kept */

struct fit_cache;

/* NULL: out of memory. */
struct fit_cache *fit_cache_create(void);
/* Accepts NULL. */
void fit_cache_destroy(struct fit_cache *cache);
/* *fit ← a copy, whose data the caller frees; false: it is not there, or there is no memory. */
bool fit_cache_get(struct fit_cache *cache, const unsigned char key[SHA256_BYTES], struct fit *fit);
/* Keeps a copy in the place of the one that was used longest ago; nothing without memory. */
void fit_cache_put(struct fit_cache *cache, const unsigned char key[SHA256_BYTES],
                   const struct fit *fit);

#endif

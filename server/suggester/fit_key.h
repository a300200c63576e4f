/* The key of a fit in the cache (fit_cache.h): the digest of all that it rests on. Any thread. */
#ifndef SERVER_SUGGESTER_FIT_KEY_H
#define SERVER_SUGGESTER_FIT_KEY_H

#include "common/digest.h"
#include "common/err.h"
#include "server/domain/history.h"

/* key ← the digest of the study's definition and of each trial of the history, in its order. `what`
 * names what is fitted to them: two kinds of fit have different keys. ERR_NOMEM. */
MUST_USE int fit_key(const char *what, const struct study_def *def, const struct history *seen,
                     unsigned char key[SHA256_BYTES], struct err *err);

#endif

/* "recommended": which completed trial of a study to use where evaluations are noisy
 * (strategy/gp/recommendation.h). Its trials are read on a reader thread, the model is made on an
 * optimiser thread (think.h). */
#ifndef SERVER_API_RECOMMEND_H
#define SERVER_API_RECOMMEND_H

#include "common/json.h"
#include "server/api/read.h"

struct recommending;

/* Reads all completed trials of read->study, within a transaction of the caller's. `best`: the
 * number of the trial that stands as best. ERR_NOMEM, ERR_IO. */
MUST_USE int recommend_read(const struct read_request *read, int64_t best,
                            struct recommending **recommending, struct err *err);
/* Bytes that it holds, about. */
size_t recommending_bytes(const struct recommending *recommending);
/* Accepts NULL. */
void recommending_destroy(struct recommending *recommending);
OWN_POINTER(recommending)

/* Makes the model; hyper-parameters that were fitted to the same trials are kept for the next time.
 * ERR_NOMEM; ERR_OVERLOADED: asked to stop. */
MUST_USE int recommend_think(struct recommending *recommending, const atomic_bool *stop,
                             struct err *err);
/* Then: writes the value of "recommended", an object, or null where nothing is known. NULL: null.
 */
void recommend_write(const struct recommending *recommending, struct json_writer *w);
/* Appends a sentence; nothing where the recommended trial is not another one by something that
 * matters. */
void recommend_append_advice(const struct recommending *recommending, struct buf *text);

#endif

/* Obsolete checkpoints, until a worker has deleted them. Part of the store (store.h). */
#ifndef SERVER_STORE_DISCARDS_H
#define SERVER_STORE_DISCARDS_H

#include "server/store/store.h"

struct discard_row {
    int64_t id;
    int64_t study;
    char host[WORKER_NAME_BYTES]; /* whose workers reach it; "": any */
    const char *uri;              /* borrowed */
    int64_t attempt;              /* whose lease lists it; 0: none yet */
    int64_t at_ms;
};
/* Sets row->id; the attempt is 0. */
MUST_USE int store_discard_insert(struct store *store, struct discard_row *row, struct err *err);
/* Sets the attempt whose lease lists it; 0: none. */
MUST_USE int store_discard_assign(struct store *store, int64_t id, int64_t attempt,
                                  struct err *err);
/* Removes a row; harmless where there is none. */
MUST_USE int store_discard_delete(struct store *store, int64_t id, struct err *err);
/* Oldest first. */
MUST_USE int store_each_discard(struct store *store,
                                int (*each)(void *context, const struct discard_row *row,
                                            struct err *err),
                                void *context, struct err *err);

#endif

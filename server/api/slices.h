/* Long answers in slices: each slice is read by a job on a reader thread with a connection of its
 * own for that moment, so that a slow client holds neither a transaction nor a thread.
 *
 * The loop thread hands out what the last slice left; when that is gone it asks for the next one
 * and lets the connection sleep. At most one job of a stream runs at a time. */
#ifndef SERVER_API_SLICES_H
#define SERVER_API_SLICES_H

#include "server/api/api.h"

struct slices_source {
    void *context;
    /* Reader thread: appends the next slice. *more: there is another one right behind. */
    int (*slice)(void *context, struct store *store, struct buf *out, bool *more, struct err *err);
    /* Loop thread, when !more: is there anything new? NULL: the answer ends there. */
    bool (*has_news)(void *context);
    /* Loop thread, after `heartbeat_ms` without a byte; NULL: none. */
    void (*beat)(void *context, struct buf *out);
    /* Loop thread: appends what is told besides the slices, which nobody stores; NULL: nothing. */
    void (*aside)(void *context, struct buf *out);
    void (*destroy)(void *context); /* once, when nobody uses it any more */
    int64_t heartbeat_ms;
};

/* Inside a handler, or by the thread that answers a deferred request. Takes the context. */
void slices_reply(struct api *api, struct http_request *request, struct http_response *response,
                  const struct slices_source *source);

#endif

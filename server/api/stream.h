/* Long answers in chunks: each chunk is read by a job on a reader thread with a connection of its
 * own for that moment, so that a slow client holds neither a transaction nor a thread.
 *
 * What needs time to compute and no connection runs on the optimiser threads instead, behind the
 * jobs of studies (engine/optimisers.h).
 *
 * The loop thread hands out what the last chunk left; when that is gone it asks for the next one
 * and lets the connection sleep. At most one job of a stream runs at a time. */
#ifndef SERVER_API_STREAM_H
#define SERVER_API_STREAM_H

#include "server/api/api.h"

struct stream_source {
    void *context;
    /* Reader thread: appends the next chunk. *more: there is another one right behind. */
    int (*read_chunk)(void *context, struct store *store, struct buf *out, bool *more,
                      struct err *err);
    /* Optimiser thread: the same once needs_thinking() is true, without a connection. `stop` is set
     * when the server stops. NULL: there is no such part. */
    int (*think)(void *context, const atomic_bool *stop, struct buf *out, bool *more,
                 struct err *err);
    bool (*needs_thinking)(const void *context); /* while no job runs */
    /* Loop thread, when !more: is there anything new? NULL: the answer ends there. */
    bool (*has_news)(void *context);
    /* Loop thread, when !more: the answer ends although has_news() is there. NULL: it does not. */
    bool (*is_over)(void *context);
    /* Loop thread, after `heartbeat_ms` without a byte; NULL: none. */
    void (*heartbeat)(void *context, struct buf *out);
    /* Loop thread: appends what is sent between the chunks and not stored; NULL: nothing. */
    void (*aside)(void *context, struct buf *out);
    void (*destroy)(void *context); /* called once, when the stream is over */
    int64_t heartbeat_ms;
    bool is_large; /* it has an end and is worth compressing for clients that take that */
};

/* Inside a handler, or by the thread that answers a deferred request. Takes the context. */
void stream_reply(struct api *api, struct http_request *request, struct http_response *response,
                  const struct stream_source *source);

#endif

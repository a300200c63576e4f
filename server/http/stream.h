/* Answers that are produced piece by piece. Loop thread unless said otherwise. For this folder
 * alone. */
#ifndef SERVER_HTTP_STREAM_H
#define SERVER_HTTP_STREAM_H

#include "server/http/internal.h"

/* Makes the stream of a request and MHD's response for it. NULL: no memory. Any thread,
 * like the answer it belongs to. */
struct MHD_Response *stream_create(struct http_request *request,
                                   const struct http_stream_source *source);
/* Takes the stream over when its answer is queued. */
void stream_link(struct http_request *request);
/* Resumes streams that were woken or whose heartbeat is due. */
void streams_wake(struct http_server *server);
/* The client of the request, if that is streamed, has closed: the stream ends in this turn. */
void stream_client_closed(struct http_request *request);
/* Returns the milliseconds until the next heartbeat; -1: none. */
int64_t streams_next_ms(const struct http_server *server);
/* Finishes the source and destroys the stream, which must be there. */
void stream_end(struct http_request *request);

#endif

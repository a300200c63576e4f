/* How long requests took, by route and status.
 *
 * Each route has a list of histograms, one for each status that it has answered. The loop thread
 * alone adds to a list, at its front; any thread may walk it. */
#ifndef SERVER_HTTP_TIMINGS_H
#define SERVER_HTTP_TIMINGS_H

#include "server/http/internal.h"

/* A list for each route, and one for what no route was found for. ERR_NOMEM. */
MUST_USE int timings_init(struct http_server *server, struct err *err);
void timings_finish(struct http_server *server);
/* The request is about to be answered; without memory it is not counted. Loop thread. */
void timings_note(struct http_request *request, unsigned status);

#endif

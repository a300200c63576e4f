/* Refuses what a proxy in between could read as another number of requests. Loop thread. For this
 * folder alone. */
#ifndef SERVER_HTTP_FRAMING_H
#define SERVER_HTTP_FRAMING_H

#include "server/http/internal.h"

/* Checks the request line and the headers. ERR_MALFORMED says what is wrong. */
MUST_USE int framing_check(struct http_request *request, const char *method, const char *version,
                           struct err *err);
/* Checks the line before a piece of a chunk, as far as MHD still has it. ERR_MALFORMED. */
MUST_USE int framing_check_chunk(const struct http_request *request, const char *piece,
                                 struct err *err);
/* Checks the Content-Type against the route's kind of body. ERR_UNSUPPORTED_TYPE. */
MUST_USE int content_type_check(const struct http_request *request, struct err *err);

#endif

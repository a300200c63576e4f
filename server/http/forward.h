/* A request that is answered by way of other routes: see http_forward(). Loop thread, but for
 * forward_take(). */
#ifndef SERVER_HTTP_FORWARD_H
#define SERVER_HTTP_FORWARD_H

#include "server/http/internal.h"

/* Keeps the answer of a forwarded request for the one who forwarded it; false: this request is not
 * forwarded, and its answer is to be sent. Any thread that may answer. */
bool forward_take(struct http_request *request, struct http_response *response);
/* Is there such an answer? */
bool forward_is_answered(const struct http_request *request);
/* Hands it over. The request is then forwarded again, or answered, or deferred. */
void forward_continue(struct http_request *request);
/* The value that a forwarded request has for a header; *value NULL: none. False: the headers that
 * were sent count. */
bool forward_header(const struct http_request *request, const char *name, const char **value);
/* The request is over. */
void forward_end(struct http_request *request);

#endif

/* From a method and a path to a route. Loop thread. For this folder alone. */
#ifndef SERVER_HTTP_ROUTER_H
#define SERVER_HTTP_ROUTER_H

#include "server/http/internal.h"

/* Splits the patterns of all routes, once. ERR_INVALID: a pattern has too many parts; ERR_NOMEM. */
MUST_USE int routes_compile(struct http_server *server, struct err *err);
/* Finds the route and fills the params. ERR_NOT_FOUND or ERR_METHOD_NOT_ALLOWED (with allow). */
MUST_USE int route_match(struct http_request *request, const char *method, struct err *err);

#endif

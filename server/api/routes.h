/* Every route there is. */
#ifndef SERVER_API_ROUTES_H
#define SERVER_API_ROUTES_H

#include "server/http/http.h"

extern const struct http_route api_routes[];
extern const size_t api_n_routes;

#endif

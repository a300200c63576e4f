/* GET /v1/workers/lanes: what each worker did over time, and why it did nothing. */
#ifndef SERVER_API_LANES_H
#define SERVER_API_LANES_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void get_lanes(void *api, struct http_request *request);

#endif

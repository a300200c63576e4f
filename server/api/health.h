/* For probes. */
#ifndef SERVER_API_HEALTH_H
#define SERVER_API_HEALTH_H

#include "server/http/http.h"

/* Handler of the route table; loop thread. */
void get_readiness(void *api, struct http_request *request);

#endif

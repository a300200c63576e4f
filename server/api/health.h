/* For probes and for Prometheus. */
#ifndef SERVER_API_HEALTH_H
#define SERVER_API_HEALTH_H

#include "server/http/http.h"

/* Handlers of the route table; loop thread. */
void get_metrics(void *api, struct http_request *request);
void get_readiness(void *api, struct http_request *request);

#endif

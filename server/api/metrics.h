/* GET /metrics, for Prometheus. Everything comes from counters in memory and the live view; a
 * request costs some hundred microseconds and never reads a table. No label holds the number of a
 * trial or the name of a worker. */
#ifndef SERVER_API_METRICS_H
#define SERVER_API_METRICS_H

#include "server/http/http.h"

/* Handler of the route table; loop thread. */
void get_metrics(void *api, struct http_request *request);

#endif

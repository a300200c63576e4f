/* Workers, as the writer has seen them since the server started. */
#ifndef SERVER_API_WORKERS_H
#define SERVER_API_WORKERS_H

#include "server/http/http.h"

/* Handlers of the route table; loop thread. */
void get_workers(void *api, struct http_request *request);
void get_worker(void *api, struct http_request *request);

#endif

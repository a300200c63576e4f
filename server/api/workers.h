/* Workers, as the writer has seen them of late. */
#ifndef SERVER_API_WORKERS_H
#define SERVER_API_WORKERS_H

#include "server/http/http.h"

struct command;

/* Handlers of the route table; loop thread. */
void get_workers(void *api, struct http_request *request);
void get_worker(void *api, struct http_request *request);
void post_drain(void *api, struct http_request *request);
void post_resume(void *api, struct http_request *request);
void encode_worker_set(const struct command *command, struct http_response *response);

#endif

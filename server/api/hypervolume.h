/* GET …/hypervolume: how much the trials of several objectives dominate, over time. */
#ifndef SERVER_API_HYPERVOLUME_H
#define SERVER_API_HYPERVOLUME_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void get_hypervolume(void *api, struct http_request *request);

#endif

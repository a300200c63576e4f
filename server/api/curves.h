/* GET …/curves: the learning curves of the best trials and of those that run. */
#ifndef SERVER_API_CURVES_H
#define SERVER_API_CURVES_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void get_curves(void *api, struct http_request *request);

#endif

/* GET …/importance: how much each parameter matters. */
#ifndef SERVER_API_IMPORTANCE_H
#define SERVER_API_IMPORTANCE_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void get_importance(void *api, struct http_request *request);

#endif

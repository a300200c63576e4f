/* POST /v1/advice: which strategy suits a described problem. */
#ifndef SERVER_API_ADVICE_H
#define SERVER_API_ADVICE_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void post_advice(void *api, struct http_request *request);

#endif

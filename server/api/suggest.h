/* POST /v1/suggest: the next configurations for a study that is not stored. */
#ifndef SERVER_API_SUGGEST_H
#define SERVER_API_SUGGEST_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void post_suggest(void *api, struct http_request *request);

#endif

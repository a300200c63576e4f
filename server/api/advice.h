/* POST /v1/advice: which strategy suits a described problem. */
#ifndef SERVER_API_ADVICE_H
#define SERVER_API_ADVICE_H

#include "server/http/http.h"

void post_advice(void *api, struct http_request *request);

#endif

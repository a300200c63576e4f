/* GET …/brackets: the brackets and rungs of a study. */
#ifndef SERVER_API_BRACKETS_H
#define SERVER_API_BRACKETS_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void get_brackets(void *api, struct http_request *request);

#endif

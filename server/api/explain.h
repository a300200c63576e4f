/* GET …/trials/{trial}/explain: why a trial has its configuration, and why it went on or stopped.
 */
#ifndef SERVER_API_EXPLAIN_H
#define SERVER_API_EXPLAIN_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void get_explain(void *api, struct http_request *request);

#endif

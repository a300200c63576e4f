/* GET …/trials/{trial}/attempts: a trial's attempts. */
#ifndef SERVER_API_ATTEMPTS_H
#define SERVER_API_ATTEMPTS_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void get_attempts(void *api, struct http_request *request);

#endif

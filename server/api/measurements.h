/* GET …/trials/{trial}/measurements: a trial's measurements. */
#ifndef SERVER_API_MEASUREMENTS_H
#define SERVER_API_MEASUREMENTS_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void get_measurements(void *api, struct http_request *request);

#endif

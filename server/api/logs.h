/* What a trial's job has printed. */
#ifndef SERVER_API_LOGS_H
#define SERVER_API_LOGS_H

#include "server/api/api.h"

/* POST /v1/leases/{lease}/log */
void post_log(void *context, struct http_request *request);
/* GET /v1/studies/{study}/trials/{trial}/log */
void get_log(void *context, struct http_request *request);

#endif

/* Checkpoints that a worker uploads, so that another one can go on from them. */
#ifndef SERVER_API_CHECKPOINTS_H
#define SERVER_API_CHECKPOINTS_H

#include "server/api/api.h"

/* PUT /v1/leases/{lease}/checkpoint */
void put_checkpoint(void *context, struct http_request *request);
/* GET /v1/leases/{lease}/checkpoint */
void get_checkpoint(void *context, struct http_request *request);

#endif

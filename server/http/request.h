/* The list of deferred requests. Loop thread. For this folder alone. */
#ifndef SERVER_HTTP_REQUEST_H
#define SERVER_HTTP_REQUEST_H

#include "server/http/internal.h"

/* Puts a request that is being suspended into the list of those. */
void waiting_add(struct http_request *request);
/* Takes a request out of the list of those that are deferred. */
void waiting_remove(struct http_request *request);

#endif

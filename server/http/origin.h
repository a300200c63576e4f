/* The Host rule and the rule for browsers. Loop thread. For this folder alone. */
#ifndef SERVER_HTTP_ORIGIN_H
#define SERVER_HTTP_ORIGIN_H

#include "server/http/internal.h"

/* ERR_FORBIDDEN: the Host header names another server. */
MUST_USE int host_check(const struct http_request *request, struct err *err);
/* ERR_FORBIDDEN: a page of another site asks. */
MUST_USE int origin_check(const struct http_request *request, const char *method, struct err *err);

#endif

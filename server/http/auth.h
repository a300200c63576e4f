/* Who sends a request, and what it may do. Loop thread. For this folder alone. */
#ifndef SERVER_HTTP_AUTH_H
#define SERVER_HTTP_AUTH_H

#include "server/http/internal.h"

/* Fills the principal. ERR_UNAUTHORIZED, ERR_RATE_LIMITED. */
MUST_USE int auth_identify(struct http_request *request, struct err *err);
/* Whether the principal has a scope of the route. ERR_FORBIDDEN, ERR_UNAUTHORIZED. */
MUST_USE int auth_allow(const struct http_request *request, struct err *err);
/* Whether the token that was identified is neither revoked nor expired by now. */
bool auth_is_valid(struct http_request *request);
/* The answer where it is not: ERR_UNAUTHORIZED, always -1. */
int auth_refuse_ended(struct err *err);

#endif

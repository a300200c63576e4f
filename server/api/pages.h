/* The pages that need neither a token nor the store: what a problem means, the API formally,
 * the version. Handlers of the route table; loop thread. */
#ifndef SERVER_API_PAGES_H
#define SERVER_API_PAGES_H

#include "common/err.h"
#include "server/http/http.h"

/* /openapi.json, made from schema/openapi.yaml by the build. */
extern const char *const openapi[];
extern const int openapi_count;

/* The explanation of a published problem; NULL for codes that are not published. */
const char *pages_problem_help(enum err_code code);

/* Handlers of the route table. */
void pages_get_openapi(void *context, struct http_request *request);
void pages_get_problem(void *context, struct http_request *request);
void pages_get_version(void *context, struct http_request *request);
void pages_get_health(void *context, struct http_request *request);

#endif

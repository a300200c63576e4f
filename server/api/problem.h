/* The one table from err_code to HTTP: RFC 9457 problem documents. */
#ifndef SERVER_API_PROBLEM_H
#define SERVER_API_PROBLEM_H

#include "common/json.h"
#include "server/http/http.h"

/* For the HTTP server: fills the response; context is not used. */
void api_problem(void *context, struct http_request *request, const struct err *err,
                 struct http_response *response);
/* Answers with a problem that lists every fault, if there are some (`faults` may be NULL). */
void reply_problem(struct http_request *request, const struct err *err,
                   const struct faults *faults);
/* Returns the HTTP status of a code, and its title, which is static. Any thread. */
int problem_status(enum err_code code);
const char *problem_title(enum err_code code);

#endif

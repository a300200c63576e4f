/* Errors as the API tells them: the one table from err_code to status, title and explanation.
 *
 * Every refusal is application/problem+json (RFC 9457); `type` names a page of this server. Nothing
 * here blocks; any thread. */
#ifndef SERVER_API_PROBLEM_H
#define SERVER_API_PROBLEM_H

#include <stdbool.h>

#include "common/err.h"
#include "server/http/http.h"

struct problem_kind {
    int status;
    bool retryable;
    const char *title;
    const char *help; /* what it means and what to do, for /problems/{type} */
};
/* NULL for codes that are not published. */
const struct problem_kind *problem_kind(enum err_code code);

/* Initialises and fills the response. `faults` (may be NULL) become `errors`. Codes that are never
 * sent to a client are told as a plain 500 without their text: the caller has logged it. */
void problem_respond(const struct err *err, const struct faults *faults, const char *instance,
                     struct http_response *response);
/* problem_respond() and http_reply(). */
void problem_reply(struct http_request *request, const struct err *err,
                   const struct faults *faults);
/* What the dispatcher calls for the errors it finds itself: http_settings.problem. */
void problem_of_dispatcher(void *context, struct http_request *request, const struct err *err,
                           struct http_response *response);

#endif

/* An HTTP client for one server: the command line's blocking calls and, through async.h, the
 * agent's. libcurl within narrow limits: http and https only, no redirects, no netrc, no
 * proxy unless one is named, no signals, certificates checked, answers capped at 8 MiB.
 *
 * A client keeps its connection alive between calls and belongs to one thread at a time. */
#ifndef COMMON_HTTP_CLIENT_H
#define COMMON_HTTP_CLIENT_H

#include "common/buf.h"
#include "common/err.h"
#include "common/http/answer.h"
#include "common/http/call.h"
#include "common/own.h"

struct http_client;

/* ERR_INVALID: the URL or token cannot be used, and why. Connects nowhere yet. */
MUST_USE int http_client_create(const struct http_client_settings *settings,
                                struct http_client **client, struct err *err);
void http_client_destroy(struct http_client *client);
OWN_POINTER(http_client)
/* Returns the URL as given, without a trailing slash. */
const char *http_client_url(const struct http_client *client);

/* Blocks. 0 when the server answered, with any status; ERR_UNREACHABLE says why it did not, and
 * ERR_TOO_LARGE that it said too much. The caller finishes *answer, filled only on 0. */
MUST_USE int http_client_call(struct http_client *client, const struct http_call *call,
                              struct http_answer *answer, struct err *err);

/* Appends one segment or query value, percent-escaped. */
void http_escape(struct buf *out, const char *text);

/* Reads a token from a file: one line, blanks around it ignored. */
MUST_USE int http_token_load(const char *path, char token[HTTP_TOKEN_BYTES], struct err *err);

#endif

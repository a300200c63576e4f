/* One call on a curl handle: set up, collected, checked. What blocking and asynchronous calls
 * share; for this folder alone. One thread at a time for each handle. */
#ifndef COMMON_HTTP_EXCHANGE_H
#define COMMON_HTTP_EXCHANGE_H

#include <curl/curl.h>

#include "common/http/answer.h"
#include "common/http/call.h"
#include "common/http/trust.h"

/* Settings, copied and checked. */
struct http_target {
    char *url;          /* as it was given */
    const char *socket; /* the path in "unix:/path", within url; NULL: a host is called */
    char *token_header; /* NULL: none */
    char *ca_file;      /* the authority that was named */
    struct trust trust; /* none was: this machine's */
    char *proxy;
    char *user_agent;
};
/* Copies the settings. ERR_INVALID: the URL, the token or the machine's trusted authorities cannot
 * be used, and why; ERR_IO: libcurl cannot start; ERR_NOMEM. Finish it also after an error. */
MUST_USE int http_target_init(struct http_target *target,
                              const struct http_client_settings *settings, struct err *err);
/* Later calls have this token; *changed: it is another one. The errors of http_target_init(), with
 * the old token kept. */
MUST_USE int http_target_set_token(struct http_target *target, const char *token, bool *changed,
                                   struct err *err);
/* Overwrites the token. */
void http_target_finish(struct http_target *target);

/* One call under way. */
struct http_exchange {
    CURL *easy; /* borrowed */
    struct curl_slist *headers;
    struct http_answer answer;
    struct http_call call;
    bool take_failed;
    int64_t given; /* of a body from a file */
    char error[CURL_ERROR_SIZE];
};
/* Sets the handle up for this call; the exchange must stay where it is until finished, also after
 * an error: ERR_NOMEM, ERR_INVALID. */
MUST_USE int http_exchange_init(struct http_exchange *exchange, CURL *easy,
                                const struct http_target *target, const struct http_call *call,
                                struct err *err);
/* Reads curl's result code. On 0 the exchange's answer is complete; ERR_UNREACHABLE, ERR_TOO_LARGE,
 * ERR_NOMEM as in http_client_call(). */
MUST_USE int http_exchange_end(struct http_exchange *exchange, const struct http_target *target,
                               CURLcode code, struct err *err);
void http_exchange_finish(struct http_exchange *exchange);

#endif

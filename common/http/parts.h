/* What blocking and asynchronous calls share. For http_*.c only. */
#ifndef COMMON_HTTP_PARTS_H
#define COMMON_HTTP_PARTS_H

#include <curl/curl.h>

#include "common/http/client.h"

/* Settings, copied and checked. */
struct http_target {
    char *url;
    char *token_header; /* NULL: none */
    char *ca_file;
    char *proxy;
    char *user_agent;
};
MUST_USE int http_target_init(struct http_target *target,
                              const struct http_client_settings *settings, struct err *err);
void http_target_finish(struct http_target *target);

/* One call under way. */
struct http_exchange {
    CURL *easy; /* borrowed */
    struct curl_slist *headers;
    struct http_answer answer;
    struct http_call call;
    char error[CURL_ERROR_SIZE];
};
/* Sets the handle up for this call; the exchange must stay where it is until finished. */
MUST_USE int http_exchange_init(struct http_exchange *exchange, CURL *easy,
                                const struct http_target *target, const struct http_call *call,
                                struct err *err);
/* What curl's result code means; on 0 the exchange's answer is complete. */
MUST_USE int http_exchange_end(struct http_exchange *exchange, const struct http_target *target,
                               CURLcode code, struct err *err);
void http_exchange_finish(struct http_exchange *exchange);

#endif

/* An HTTP client for one server: the command line's blocking calls and, through async.h, the
 * agent's. libcurl within narrow limits: http and https only, no redirects, no netrc, no
 * proxy unless one is named, no signals, certificates checked, answers capped at 8 MiB.
 *
 * A client keeps its connection alive between calls and belongs to one thread at a time. */
#ifndef COMMON_HTTP_CLIENT_H
#define COMMON_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/own.h"

#define HTTP_TOKEN_BYTES 257
#define HTTP_ANSWER_BYTES ((size_t)8 << 20)

struct http_client_settings {
    const char *url;        /* "http://127.0.0.1:4663": scheme, host, port, maybe a path prefix */
    const char *token;      /* NULL or "": none is sent */
    const char *ca_file;    /* PEM; NULL: the system's authorities */
    const char *proxy;      /* NULL: none, whatever the environment says */
    const char *user_agent; /* NULL: "hone/VERSION" */
};

struct http_call {
    const char *method; /* "GET", "POST", … */
    const char *path;   /* "/v1/studies?limit=10", escaped already (http_escape) */
    const char *body;   /* JSON; NULL: none; borrowed until the answer */
    size_t body_len;
    int64_t timeout_ms; /* the whole call; 0: 30,000; negative: none */
};

struct http_answer {
    int status;
    struct buf body;
    double retry_after_seconds; /* negative: not said */
    char content_type[80];
};
void http_answer_finish(struct http_answer *answer);
OWN_VALUE(http_answer)

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

/* 0 for a 2xx. Otherwise the problem document as an error: its code by `type`, its text the detail
 * followed by every fault of a 422. ERR_UNREACHABLE when it is no problem document of ours: then a
 * proxy, a login page or another program has answered in the server's place. */
MUST_USE int http_answer_check(const struct http_answer *answer, struct err *err);
/* The error of an answer that no Hone server would give; always -1. */
int http_answer_foreign(const struct http_answer *answer, struct err *err);

/* Appends one segment or query value, percent-escaped. */
void http_escape(struct buf *out, const char *text);

/* Reads a token from a file: one line, blanks around it ignored. */
MUST_USE int http_token_load(const char *path, char token[HTTP_TOKEN_BYTES], struct err *err);

#endif

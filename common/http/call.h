/* Where a client calls, and with what. Texts are borrowed. */
#ifndef COMMON_HTTP_CALL_H
#define COMMON_HTTP_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_TOKEN_BYTES 257

struct http_responder; /* responder.h */

struct http_client_settings {
    /* "http://127.0.0.1:4663": scheme, host, port, maybe a path prefix; or "unix:/path", a socket
     * in the file system */
    const char *url;
    const char *token;                      /* NULL or "": none is sent */
    const char *ca_file;                    /* PEM; NULL: the system's authorities */
    const char *proxy;                      /* NULL: none, whatever the environment says */
    const char *user_agent;                 /* NULL: "hone/VERSION" */
    const struct http_responder *responder; /* asked in place of the server; NULL: none */
};

struct http_call {
    const char *method; /* "GET", "POST", … */
    const char *path;   /* "/v1/studies?limit=10", escaped already (http_escape) */
    const char *body;   /* NULL: none; borrowed until the answer */
    size_t body_len;
    bool has_body_fd; /* the body is the first body_len bytes of this file; borrowed likewise */
    int body_fd;
    const char *content_type; /* of the body; NULL: application/json */
    /* A 2xx answer's body goes here, piece by piece, and not into the answer. False: it cannot be
     * taken, and the call ends. NULL: into the answer. */
    bool (*take)(void *context, const char *bytes, size_t len);
    void *take_context;
    int64_t timeout_ms; /* the whole call; 0: 30,000; negative: none */
};

#endif

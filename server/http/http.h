/* The HTTP server: one loop thread that drives libmicrohttpd from our own epoll loop.
 *
 * The loop does, before any handler runs: framing checks, the Host rule, deadlines, the route
 * lookup, authorization by the route's scope (default deny), body limits. A handler then either
 * answers at once with http_reply(), or calls http_defer() and answers later from any thread.
 * It has no knowledge of studies or trials.
 *
 * Handlers run on the loop thread and must not block. Everything marked "any thread" may be called
 * from elsewhere between http_defer() and the answer; all else only inside the handler. */
#ifndef SERVER_HTTP_HTTP_H
#define SERVER_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"

struct histogram;
struct http_server;
struct http_request;

/* ---- who may ------------------------------------------------------------------------------ */
enum http_scope {
    HTTP_SCOPE_NONE = 0, /* open without a token */
    HTTP_SCOPE_READ = 1,
    HTTP_SCOPE_SUBMIT = 2,
    HTTP_SCOPE_ADMIN = 4,
    HTTP_SCOPE_WORKER = 8
};

/* Who asks: filled by the dispatcher. token_id is "" under --open. */
struct http_principal {
    char token_id[16];
    unsigned scopes; /* bits of http_scope with the ones they contain: admin has submit and read */
    int64_t expires_at_ms; /* of the token, wall clock; 0: never */
};

/* A token as the dispatcher needs it: found by its public id, compared by hash in constant time. */
struct http_token {
    char id[16];              /* the id8 of hp_<id8>_<secret> */
    unsigned char sha256[32]; /* of the whole token text */
    unsigned scopes;
    int64_t expires_at_ms; /* wall clock; 0: never */
    int64_t used_at_ms;    /* wall clock; 0: not since the start */
    bool use_is_new;       /* not taken yet by http_take_token_uses() */
};

struct http_token_use {
    char id[16];
    int64_t at_ms; /* wall clock */
};

/* Replaces the table of valid tokens; copies, and keeps when those were used that stay. A request
 * whose token is no longer in it, or has expired, is refused also when its head was accepted
 * before, and a stream of its ends. A deferred request is left to the thread that is going to
 * answer it. Any thread. */
void http_set_tokens(struct http_server *server, const struct http_token *tokens, size_t n);

/* Takes the newest use of each token that was used since its use was last taken, at most `max`;
 * returns how many. Any thread. */
size_t http_take_token_uses(struct http_server *server, struct http_token_use uses[], size_t max);
/* All uses since the start are new again. Any thread. */
void http_token_uses_again(struct http_server *server);
/* Returns when the token was last used since the start, by the wall clock; 0: it was not. Any
 * thread. */
int64_t http_token_used_at(struct http_server *server, const char *id);

/* Is this text the token with that id and digest? Any thread. */
bool http_token_is(const char *text, const char *id, const unsigned char sha256[32]);

/* ---- a look before a start ------------------------------------------------------------------ */
/* The certificate and the key that would be served: ERR_IO, ERR_INVALID, ERR_NOMEM where they
 * cannot be used. *is_well ← clients take it now and for a fortnight; `text` ← a sentence on how
 * long, or what to do. */
#define HTTP_CERTIFICATE_TEXT_BYTES 1024
MUST_USE int http_check_certificate(const char *cert_file, const char *key_file,
                                    const struct clock *clock, bool *is_well,
                                    char text[HTTP_CERTIFICATE_TEXT_BYTES], struct err *err);
/* The versions of the libraries that this folder is linked with, "libmicrohttpd 0.9.75, …". */
void http_library_versions(char *text, size_t size);

/* ---- routes ------------------------------------------------------------------------------- */
enum http_body {
    HTTP_BODY_NONE, /* GET, HEAD, DELETE: none allowed */
    HTTP_BODY_JSON, /* application/json; at most 1 MiB */
    HTTP_BODY_JSON_OPTIONAL,
    HTTP_BODY_JSON_PATCH, /* application/json or application/merge-patch+json */
    HTTP_BODY_JSON_BULK,  /* at most 8 MiB */
    HTTP_BODY_BYTES,      /* of any type; at most 1 MiB */
    HTTP_BODY_STREAM /* of any type and size: the handler is called before it, see http_take_body()
                      */
};

struct http_route {
    const char *method; /* "GET" serves HEAD too */
    const char
        *path; /* "/v1/studies/{study}/trials/{trial}"; where several match, the first counts */
    unsigned scopes; /* any one of these bits suffices; HTTP_SCOPE_NONE: open */
    enum http_body body;
    void (*handle)(void *context, struct http_request *request);
};

/* ---- the request, for its handler ------------------------------------------------------
 * A deferred request may be read by the one thread that is going to answer it. */
void *http_context(const struct http_request *request);
/* The route that was matched. */
const struct http_route *http_matched(const struct http_request *request);
/* The decoded value of a {name} in the path; never NULL for a name the route has. */
const char *http_param(const struct http_request *request, const char *name);
/* Decoded query parameter or NULL; http_query_next walks all (cursor starts at 0). */
const char *http_query(const struct http_request *request, const char *name);
bool http_query_next(const struct http_request *request, size_t *cursor, const char **name,
                     const char **value);
/* The value of a request header, any case; NULL: it was not sent. */
const char *http_header(const struct http_request *request, const char *name);
/* Does a header that lists what the client takes name this, and not with q=0? Wildcards do not
 * count: http_accepts(request, "Accept", "text/html"), http_accepts(request, "Accept-Encoding",
 * "gzip"). */
bool http_accepts(const struct http_request *request, const char *header, const char *what);
/* Does If-None-Match have this entity tag, given without quotes? The answer is then 304. */
bool http_has_tag(const struct http_request *request, const char *tag);
/* The body as received; empty where there is none. */
const struct buf *http_body(const struct http_request *request);
/* Who sends the request. */
const struct http_principal *http_principal(const struct http_request *request);
const char *http_request_id(const struct http_request *request); /* "r_…": `instance` of problems */
const char *http_peer_address(const struct http_request *request); /* "127.0.0.1" */
const char *http_path(const struct http_request *request); /* raw, as sent, without the query */
/* url ← where the client reached this server, for what it is shown to paste: the address in its
 * Host header if that is well formed, else as bound; https behind a proxy. */
#define HTTP_OWN_URL_BYTES 280
void http_own_url(const struct http_request *request, char url[HTTP_OWN_URL_BYTES]);
/* A number of the handler's own, kept with the request until it is answered; 0 at first. */
void http_set_note(struct http_request *request, int note);
int http_note(const struct http_request *request);

/* ---- a body that is not kept in memory -------------------------------------------------------
 * The handler of a HTTP_BODY_STREAM route is called when the head has been read. It refuses, or
 * says with http_take_body() who gets the body. All functions are called on the loop thread and
 * must not block. */
enum http_taken { HTTP_TAKEN, HTTP_TAKEN_WAIT };
struct http_receiver {
    void *context;
    /* The next bytes. HTTP_TAKEN_WAIT: no more, but for some that are here already, until
     * http_receive_more(). */
    enum http_taken (*take)(void *context, const char *bytes, size_t len);
    /* The body is complete: answer, or http_defer(). */
    void (*complete)(void *context, struct http_request *request);
    /* The request is over, however it ended. */
    void (*finish)(void *context);
    uint64_t bytes_max;
};
/* Inside such a handler. The receiver is copied. A body of more than bytes_max bytes is refused,
 * ERR_TOO_LARGE; complete() is not called then. */
void http_take_body(struct http_request *request, const struct http_receiver *receiver);
/* The bytes after HTTP_TAKEN_WAIT may come; once for each. Any thread; the request must not have
 * finished. */
void http_receive_more(struct http_request *request);

/* ---- the answer --------------------------------------------------------------------------- */
#define HTTP_HEADERS_MAX 8

struct http_response {
    int status;
    const char *content_type; /* static text */
    struct buf body;          /* moved: the server releases it */
    const char *lent;         /* static bytes that are sent instead; NULL: none */
    size_t lent_len;
    size_t n_headers;
    struct {
        char name[24];
        char value[400];
    } headers[HTTP_HEADERS_MAX];
};
/* A response without body. `content_type`: static text, or NULL. */
void http_response_init(struct http_response *response, int status, const char *content_type);
void http_response_finish(struct http_response *response);
/* Adds a header; at most HTTP_HEADERS_MAX, more are left out, and each value is cut to its place.
 */
void http_response_header(struct http_response *response, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Sends; takes the response. Inside a handler, or from any thread after http_defer(). Exactly once
 * per request. From another thread the answer is queued and the loop is woken. */
void http_reply(struct http_request *request, struct http_response *response);
/* Many deferred answers with one wake-up. Any thread. */
void http_reply_batch(struct http_request *const requests[], struct http_response responses[],
                      size_t n);
/* Suspends: the connection costs nothing until it is answered. */
void http_defer(struct http_request *request);
/* Has the client ended its side of the connection? Over TCP one that still waits for the answer may
 * have, too. One system call. Any thread. */
bool http_peer_is_gone(const struct http_request *request);
/* Has the client closed the connection, as far as the system knows? Over TCP it learns that from
 * what it sends: one that has closed refuses it. One system call. Any thread. */
bool http_peer_has_closed(const struct http_request *request);
/* Has the client of a deferred request closed the connection? Call repeatedly, before any of the
 * answer is sent. A client that only ended its own side still waits: the first call then sends an
 * interim answer, "100 Continue", and a later call sees whether the client refused it. HTTP/1.0
 * knows none: there the end of its side alone does not count. Up to three system calls. Only the
 * thread that has the request. */
bool http_client_has_left(struct http_request *request);
/* Inside a handler, before it defers: a client that ends its side is sent that interim answer at
 * once, so that http_client_has_left() knows as soon as the network allows. For requests that may
 * wait long. */
void http_watch_client(struct http_request *request);
/* Called on the loop thread once the whole answer was handed to the socket (sent) or could not be
 * (!sent). Set before replying. */
void http_on_done(struct http_request *request, void (*done)(void *context, bool sent),
                  void *context);
/* At most this many requests may be deferred as *streams or waits* (?wait=, events); false: over
 * the cap of 256, answer 503 `overloaded`. Leases do not ask. */
bool http_may_stream(struct http_request *request);

/* A streamed answer: `produce` fills `out` with what there is (loop thread, must not block) and
 * says whether there may be more. With nothing to send and more to come the connection sleeps
 * until http_stream_wake() (any thread) or `heartbeat_ms` have passed, when `produce` is called
 * again. `finish` runs once at the end, however it came. */
enum http_stream_state { HTTP_STREAM_MORE, HTTP_STREAM_IDLE, HTTP_STREAM_END, HTTP_STREAM_FAIL };
struct http_stream_source {
    void *context;
    enum http_stream_state (*produce)(void *context, struct buf *out);
    void (*finish)(void *context);
    int64_t heartbeat_ms; /* 0: none */
    /* It has something to send by then, so that a client which has closed is noticed. Without it
     * and without an end, one that only ended its side counts as gone, and the stream ends. */
    bool sends_heartbeat;
    /* It has an end of its own. Where it is stopped before (HTTP_STREAM_FAIL, a token that has
     * ended, a server that stops), the connection breaks, so that no client takes a part for the
     * whole. Others may end anywhere. */
    bool has_end;
};
/* Sends the head; takes the response, and the source with its context. As http_reply(). */
void http_reply_stream(struct http_request *request, struct http_response *response,
                       const struct http_stream_source *source);
/* What a request is forwarded to. The texts are borrowed until the answer. */
struct http_forward {
    const char *method;          /* "GET" */
    const char *target;          /* path and query as in a request line, percent-encoded */
    struct buf body;             /* JSON, or empty; moved */
    const char *idempotency_key; /* NULL: none */
    void *context;
    /* Loop thread: the answer, which is released afterwards. Forwards again or replies. */
    void (*answered)(void *context, struct http_request *request,
                     const struct http_response *response);
    void (*finish)(void *context); /* once, when the request is over, however it ended */
};
/* Inside a handler, or in answered(): has another route answer, as if the request had come with
 * that method, target and body, and with no header but Host. What its principal may not do is
 * refused as ever. An answer that is streamed is ERR_TOO_LARGE. Once a request was forwarded, its
 * context belongs to it; all later calls have the same one. */
void http_forward(struct http_request *request, struct http_forward *to);
/* A request that waits until something changes. The functions are called on the loop thread and
 * must not block. */
struct http_wait {
    void *context;
    /* After http_stream_wake(NULL): has it come? */
    bool (*is_over)(void *context);
    /* Once, when it has come, due_ms has passed, the client has closed the connection (with
     * HTTP/1.0: has ended its side) or the server stops: the request is deferred, and to be
     * answered now or later. NULL: its token has ended, and it was answered. */
    void (*end)(void *context, struct http_request *request);
    int64_t due_ms; /* monotonic */
};
/* Inside a handler: defers the request; takes the context. */
void http_wait(struct http_request *request, const struct http_wait *wait);
/* Wakes one sleeping stream; NULL wakes all, and has all waits looked at. Any thread; the request
 * must not have finished. */
void http_stream_wake(struct http_server *server, struct http_request *request);

/* ---- the server --------------------------------------------------------------------------- */
#define HTTP_LISTENERS_MAX 8
struct http_settings {
    /* "127.0.0.1:4663", "[::1]:0", "0.0.0.0:4663", "unix:/run/hone.sock"; NULL after the last */
    const char *listen[HTTP_LISTENERS_MAX];
    unsigned socket_mode;      /* rights of the file of a unix socket; 0: 0660 */
    bool open;                 /* no tokens; refused where other machines can connect */
    bool plain_http;           /* allow a non-loopback listen without TLS */
    bool behind_proxy;         /* the same, and close after each reply */
    const char *host;          /* --host NAME[:PORT] checked in Host; NULL: loopback names if bound
                                  to loopback, else unchecked */
    const char *tls_cert_file; /* PEM; both or neither */
    const char *tls_key_file;
    size_t answers_bytes_max;   /* of large answers that clients are reading; 0: 256 MiB */
    unsigned connections_max;   /* 0: 12,000 (bounded by RLIMIT_NOFILE, which is raised) */
    int64_t header_deadline_ms; /* 0: 10,000 */
    int64_t body_deadline_ms;   /* 0: 30,000 */
    const struct clock *clock;
    const struct http_route *routes;
    size_t n_routes;
    void *context; /* handed to every handler */
    /* Loop thread: http_server_reload() was called, before the files are read again. May be NULL.
     */
    void (*on_reload)(void *context);
    void *reload_context;
    /* Builds the problem document for the errors that the dispatcher itself finds (401, 403, 404,
     * 405, 413, 415, 429, malformed framing, …). Loop thread. */
    void (*problem)(void *context, struct http_request *request, const struct err *err,
                    struct http_response *response);
};

/* Binds and listens. ERR_OVERLOADED (it may work later) or ERR_IO say which address and why (in
 * use: who could hold it); ERR_INVALID: a combination of settings that is refused, with what to do
 * instead. */
MUST_USE int http_server_create(const struct http_settings *settings, struct http_server **server,
                                struct err *err);
/* "http://127.0.0.1:4663" as bound, or "unix:/path"; NULL: there are no more, counted from 0. */
const char *http_server_url(const struct http_server *server, size_t i);
/* Runs the loop on the calling thread until http_server_stop() (any thread, async-signal-safe).
 * Between stop and return it takes no new connections and answers what is pending for at most
 * `drain_ms`. It may be called again to drain on: stop with 0, let others answer what waits, then
 * run again. */
MUST_USE int http_server_run(struct http_server *server, int64_t drain_ms, struct err *err);
void http_server_stop(struct http_server *server);
/* Has the loop read certificate and key again, for connections that begin afterwards; files that
 * cannot be used are logged, and change nothing. Any thread, async-signal-safe. */
void http_server_reload(struct http_server *server);
/* Which files that is from now on; the texts are borrowed until the next call. Loop thread, as in
 * on_reload. */
void http_server_set_certificate(struct http_server *server, const char *cert_file,
                                 const char *key_file);
/* After http_server_run() has returned, or without a run. Accepts NULL. */
void http_server_destroy(struct http_server *server);

/* Counters for /metrics. Any thread. */
struct http_stats {
    uint64_t requests, responses_2xx, responses_4xx, responses_5xx;
    uint64_t connections;           /* open now */
    uint64_t active;                /* requests that have begun and not ended */
    uint64_t deferred;              /* suspended now */
    int64_t certificate_expires_ms; /* wall clock; 0: no TLS */
};
/* *stats ← the counters. */
void http_server_stats(const struct http_server *server, struct http_stats *stats);
/* Calls `each` for every route and status that was answered, with how long that took: from the
 * whole head of a request to the beginning of its answer, what it waited for included. `route` is
 * NULL for requests that were refused by their head. Any thread. */
void http_each_timing(const struct http_server *server,
                      void (*each)(void *context, const struct http_route *route, unsigned status,
                                   const struct histogram *histogram),
                      void *context);

#endif

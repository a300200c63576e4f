/* Answers: built by the thread that has them, queued in batches, handed to MHD by the loop. */
#include "server/http/response.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/http/forward.h"
#include "server/http/gzip.h"
#include "server/http/stream.h"
#include "server/http/timings.h"
#include "server/http/wake.h"

#define RESPONSE_BODY_MAX ((size_t)64 << 20)

void http_response_init(struct http_response *response, int status, const char *content_type)
{
    response->status = status;
    response->content_type = content_type;
    response->lent = NULL;
    response->lent_len = 0;
    response->n_headers = 0;
    buf_init(&response->body, RESPONSE_BODY_MAX);
}

void http_response_finish(struct http_response *response)
{
    buf_finish(&response->body);
}

void http_response_header(struct http_response *response, const char *name, const char *fmt, ...)
{
    va_list args;

    if (response->n_headers == HTTP_HEADERS_MAX) {
        return;
    }
    char *value = response->headers[response->n_headers].value;
    (void)snprintf(response->headers[response->n_headers].name, sizeof response->headers[0].name,
                   "%s", name);
    va_start(args, fmt);
    (void)vsnprintf(value, sizeof response->headers[0].value, fmt, args);
    va_end(args);
    value[strcspn(value, "\r\n")] = '\0'; /* a value cannot end the header */
    response->n_headers++;
}

static void add_header(struct MHD_Response *made, const char *name, const char *value)
{
    (void)MHD_add_response_header(made, name, value); /* fails for want of memory only */
}

static void add_headers(struct MHD_Response *made, const struct http_response *response)
{
    if (response->content_type != NULL) {
        add_header(made, "Content-Type", response->content_type);
    }
    bool cache = false;
    for (size_t i = 0; i < response->n_headers; i++) {
        add_header(made, response->headers[i].name, response->headers[i].value);
        cache = cache || strcmp(response->headers[i].name, "Cache-Control") == 0;
    }
    if (!cache) {
        add_header(made, "Cache-Control", "no-store");
    }
    add_header(made, "X-Content-Type-Options", "nosniff");
}

/* Bytes that are lent cost no memory, however slowly they are read. */
static void build_lent(struct http_response *response, struct answer *answer)
{
    *answer = (struct answer){.status = (unsigned)response->status, .given = true};
    answer->response = MHD_create_response_from_buffer(
        response->lent_len, (void *)(uintptr_t)response->lent, MHD_RESPMEM_PERSISTENT);
    if (answer->response != NULL) {
        add_headers(answer->response, response);
    }
    http_response_finish(response);
}

/* Moves the response into an answer; without memory the answer stays empty and the connection is
 * closed instead. */
static void build(struct http_response *response, struct answer *answer)
{
    if (response->lent != NULL) {
        build_lent(response, answer);
        return;
    }
    size_t len = response->body.len;
    char *body = buf_steal(&response->body);

    *answer = (struct answer){.status = (unsigned)response->status, .given = true};
    if (body == NULL) {
        return;
    }
    answer->response = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
    if (answer->response == NULL) {
        free(body);
        return;
    }
    add_headers(answer->response, response);
}

void answer_drop(struct answer *answer)
{
    if (answer->response != NULL) {
        MHD_destroy_response(answer->response);
    }
    *answer = (struct answer){0};
}

static void build_stream(struct http_request *request, struct http_response *response,
                         const struct http_stream_source *source)
{
    request->answer = (struct answer){.status = (unsigned)response->status, .given = true};
    request->answer.response = stream_create(request, source);
    if (request->answer.response != NULL) {
        add_headers(request->answer.response, response);
        if (request->is_head) { /* MHD would end a body that is not sent with its last chunk */
            (void)MHD_set_response_options(request->answer.response,
                                           MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
        }
    } else if (request->stream == NULL && source->finish != NULL) {
        source->finish(source->context);
    }
    http_response_finish(response);
}

static void enqueue_locked(struct http_request *request)
{
    struct http_server *server = request->server;

    request->next_done = NULL;
    if (server->done_last == NULL) {
        server->done_first = request;
    } else {
        server->done_last->next_done = request;
    }
    server->done_last = request;
}

void answer_announce(struct http_request *request)
{
    struct http_server *server = request->server;

    (void)pthread_mutex_lock(&server->lock);
    enqueue_locked(request);
    server_wake_locked(server);
    (void)pthread_mutex_unlock(&server->lock);
}

static void give(struct http_request *request)
{
    if (request->phase == REQUEST_DEFERRED) { /* inside the handler the dispatcher looks at once */
        answer_announce(request);
    }
}

static bool has_header(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->n_headers; i++) {
        if (strcmp(response->headers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Large answers to GET are compressed for those who take that, by the thread that answers. An ETag
 * names the bytes as they are, and what comes with one is left so. */
static void compress(const struct http_request *request, struct http_response *response)
{
    bool is_large = response->body.len >= GZIP_BYTES_MIN && !response->body.failed;
    bool is_read = request->route != NULL && strcmp(request->route->method, "GET") == 0;

    if (response->status != 200 || !is_large || !is_read || has_header(response, "ETag")
        || has_header(response, "Content-Encoding")) {
        return;
    }
    http_response_header(response, "Vary", "Accept-Encoding");
    if (http_accepts(request, "Accept-Encoding", "gzip") && gzip_body(&response->body)) {
        http_response_header(response, "Content-Encoding", "gzip");
    }
}

#define LARGE_BYTES ((size_t)64 << 10)
#define ANSWERS_BYTES_MAX ((size_t)256 << 20)

/* A client that reads slowly keeps its answer in memory. When large ones have taken what there is
 * for them, the next one is refused. */
static void limit_memory(struct http_request *request, struct http_response *response)
{
    struct http_server *server = request->server;
    const struct http_settings *settings = &server->settings;
    size_t most = settings->answers_bytes_max > 0 ? settings->answers_bytes_max : ANSWERS_BYTES_MAX;
    size_t len = response->body.len;
    struct err err = {0};

    if (len < LARGE_BYTES) {
        return;
    }
    if (atomic_fetch_add(&server->answers_in_flight, len) + len <= most) {
        request->answer_counted = len;
        return;
    }
    atomic_fetch_sub(&server->answers_in_flight, len);
    http_response_finish(response);
    (void)err_set(&err, ERR_OVERLOADED,
                  "too many large answers are being read by slow clients; repeat in a moment");
    settings->problem(settings->context, request, &err, response);
    http_response_header(response, "Retry-After", "1");
}

void http_reply(struct http_request *request, struct http_response *response)
{
    if (forward_take(request, response)) {
        give(request);
        return;
    }
    compress(request, response);
    limit_memory(request, response);
    build(response, &request->answer);
    give(request);
}

static void refuse_stream(struct http_request *request, struct http_response *response,
                          const struct http_stream_source *source)
{
    const struct http_settings *settings = &request->server->settings;
    struct err err = {0};

    source->finish(source->context);
    http_response_finish(response);
    (void)err_set(&err, ERR_TOO_LARGE, "this is too long to be answered here; GET %.200s",
                  request->target.path);
    settings->problem(settings->context, request, &err, response);
    http_reply(request, response);
}

void http_reply_stream(struct http_request *request, struct http_response *response,
                       const struct http_stream_source *source)
{
    if (request->forwarding != NULL && request->forwarding->is_open) {
        refuse_stream(request, response, source);
        return;
    }
    build_stream(request, response, source);
    give(request);
}

void http_reply_batch(struct http_request *const requests[], struct http_response responses[],
                      size_t n)
{
    if (n == 0) {
        return;
    }
    struct http_server *server = requests[0]->server;
    for (size_t i = 0; i < n; i++) {
        if (!forward_take(requests[i], &responses[i])) {
            build(&responses[i], &requests[i]->answer);
        }
    }
    (void)pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < n; i++) {
        enqueue_locked(requests[i]);
    }
    server_wake_locked(server);
    (void)pthread_mutex_unlock(&server->lock);
}

void answer_problem(struct http_request *request, const struct err *err)
{
    const struct http_settings *settings = &request->server->settings;
    struct http_response response;

    settings->problem(settings->context, request, err, &response);
    if (response.status == 401) {
        http_response_header(&response, "WWW-Authenticate", "Bearer realm=\"hone\"");
    }
    if (request->allow[0] != '\0') {
        http_response_header(&response, "Allow", "%s", request->allow);
    }
    if (request->retry_after_seconds > 0) {
        http_response_header(&response, "Retry-After", "%u", request->retry_after_seconds);
    }
    build(&response, &request->answer);
}

static void count_status(struct http_server *server, unsigned status)
{
    atomic_ulong *counter = status >= 500   ? &server->responses_5xx
                            : status >= 400 ? &server->responses_4xx
                                            : &server->responses_2xx;

    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void answer_unframed(struct http_request *request, const struct err *err)
{
    const struct http_settings *settings = &request->server->settings;
    struct http_response response;
    OWN(buf) struct buf out;

    buf_init(&out, RESPONSE_BODY_MAX);
    if (request->server->tls) {
        return;
    }
    settings->problem(settings->context, request, err, &response);
    buf_printf(&out,
               "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: %s\r\n"
               "Content-Length: %zu\r\n\r\n%s",
               response.status, MHD_get_reason_phrase_for((unsigned)response.status),
               response.content_type, response.body.len, buf_text(&response.body));
    count_status(request->server, (unsigned)response.status);
    (void)send(request->connection->fd, buf_text(&out), out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    http_response_finish(&response);
}

enum MHD_Result answer_queue(struct http_request *request)
{
    struct http_server *server = request->server;
    struct answer *answer = &request->answer;

    if (answer->response == NULL) {
        return MHD_NO;
    }
    request->phase = REQUEST_SENDING;
    if (request->stream != NULL) {
        stream_link(request);
    }
    count_status(server, answer->status);
    timings_note(request, answer->status);
    if (request->close_after || request->is_chunked || server->stopping
        || server->settings.behind_proxy) {
        add_header(answer->response, "Connection", "close");
    }
    enum MHD_Result queued = MHD_queue_response(request->mhd, answer->status, answer->response);
    answer_drop(answer);
    return queued;
}

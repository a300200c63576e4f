#include "tests/unit/http_fixture.h"

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/http_call.h"

#define REST_SAMPLES 100 /* in a row */
#define HEARTBEAT_MS 5000

static void reply_text(struct http_request *request, int status, const char *text)
{
    struct http_response response;

    http_response_init(&response, status, "text/plain");
    buf_puts(&response.body, text);
    http_reply(request, &response);
}

static void hello(void *context, struct http_request *request)
{
    (void)context;
    reply_text(request, 200, "hello");
}

static void own_url(void *context, struct http_request *request)
{
    char url[HTTP_OWN_URL_BYTES];

    (void)context;
    http_own_url(request, url);
    reply_text(request, 200, url);
}

static void echo(void *context, struct http_request *request)
{
    struct http_response response;
    const struct buf *body = http_body(request);

    (void)context;
    http_response_init(&response, 200, "application/json");
    buf_append(&response.body, body->data, body->len);
    http_reply(request, &response);
}

static void parts(void *context, struct http_request *request)
{
    struct http_response response;
    const char *q = http_query(request, "q");

    (void)context;
    http_response_init(&response, 200, "text/plain");
    buf_printf(&response.body, "thing=%s part=%s q=%s", http_param(request, "thing"),
               http_param(request, "part"), q == NULL ? "-" : q);
    http_reply(request, &response);
}

static void note_done(void *context, bool sent)
{
    struct fixture *f = context;

    (void)pthread_mutex_lock(&f->lock);
    f->n_done++;
    f->n_sent += sent ? 1 : 0;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
}

static void later(void *context, struct http_request *request)
{
    struct fixture *f = context;

    http_on_done(request, note_done, f);
    if (http_query(request, "watch") != NULL) {
        http_watch_client(request);
    }
    http_defer(request);
    (void)pthread_mutex_lock(&f->lock);
    f->queue[f->n_queued++] = request;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
}

static enum http_stream_state produce(void *context, struct buf *out)
{
    struct fixture *f = context;
    enum http_stream_state state = HTTP_STREAM_IDLE;
    int64_t now_ms = f->clock.clock.monotonic_ms(&f->clock.clock);

    (void)pthread_mutex_lock(&f->lock);
    if (f->produced < f->available) {
        buf_printf(out, "line %zu\n", f->produced++);
        state = HTTP_STREAM_MORE;
    } else if (f->stream_ends || f->stream_fails) {
        state = f->stream_fails ? HTTP_STREAM_FAIL : HTTP_STREAM_END;
    } else if (f->stream_beats && now_ms - f->beat_ms >= HEARTBEAT_MS) {
        buf_puts(out, "beat\n");
        state = HTTP_STREAM_MORE;
    }
    f->beat_ms = state == HTTP_STREAM_MORE ? now_ms : f->beat_ms;
    (void)pthread_mutex_unlock(&f->lock);
    return state;
}

static void finish_stream(void *context)
{
    struct fixture *f = context;

    (void)pthread_mutex_lock(&f->lock);
    f->n_finished++;
    f->stream = NULL;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
}

static void stream(void *context, struct http_request *request)
{
    struct fixture *f = context;
    struct http_response response;
    bool beats = http_query(request, "beats") != NULL;
    struct http_stream_source source = {.context = f,
                                        .produce = produce,
                                        .finish = finish_stream,
                                        .heartbeat_ms = HEARTBEAT_MS,
                                        .sends_heartbeat = beats,
                                        .has_end = http_query(request, "ends") != NULL};
    int64_t now_ms = f->clock.clock.monotonic_ms(&f->clock.clock);

    if (!http_may_stream(request)) {
        reply_text(request, 503, "too many");
        return;
    }
    (void)pthread_mutex_lock(&f->lock);
    f->stream = request;
    f->stream_beats = beats;
    f->beat_ms = now_ms;
    f->n_streams++;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
    http_response_init(&response, 200, "application/x-ndjson");
    http_reply_stream(request, &response, &source);
}

static enum http_taken take_piece(void *context, const char *bytes, size_t len)
{
    struct fixture *f = context;

    (void)bytes;
    (void)pthread_mutex_lock(&f->lock);
    f->n_pieces++;
    f->n_uploaded += len;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
    return HTTP_TAKEN_WAIT;
}

static void complete_upload(void *context, struct http_request *request)
{
    struct fixture *f = context;
    char text[32];

    (void)pthread_mutex_lock(&f->lock);
    (void)snprintf(text, sizeof text, "%zu bytes", f->n_uploaded);
    (void)pthread_mutex_unlock(&f->lock);
    reply_text(request, 200, text);
}

static void end_upload(void *context)
{
    struct fixture *f = context;

    (void)pthread_mutex_lock(&f->lock);
    f->upload = NULL;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
}

static void upload(void *context, struct http_request *request)
{
    struct fixture *f = context;
    const struct http_receiver receiver = {.context = f,
                                           .take = take_piece,
                                           .complete = complete_upload,
                                           .finish = end_upload,
                                           .bytes_max = 1 << 20};

    (void)pthread_mutex_lock(&f->lock);
    f->upload = request;
    (void)pthread_mutex_unlock(&f->lock);
    http_take_body(request, &receiver);
}

static void headers(void *context, struct http_request *request)
{
    const char *key = http_header(request, "idempotency-key");
    const char *tag = http_header(request, "If-None-Match");
    char text[200];

    (void)context;
    (void)snprintf(text, sizeof text, "key=%s tag=%s host=%d", key == NULL ? "-" : key,
                   tag == NULL ? "-" : tag, http_header(request, "Host") != NULL);
    reply_text(request, 200, text);
}

/* ---- /forward: each line of the body, "METHOD TARGET BODY", is forwarded, one after the other;
 * what was answered is the answer, a line each ---- */

struct forwarded {
    struct fixture *fixture;
    char *rest;
    struct buf lines;
    char line[256];
};

static void forward_next(struct forwarded *forwarded, struct http_request *request);

static void take_answer(void *context, struct http_request *request,
                        const struct http_response *response)
{
    struct forwarded *forwarded = context;

    buf_printf(&forwarded->lines, "%d %s %s\n", response->status,
               response->content_type == NULL ? "-" : response->content_type,
               strchr(buf_text(&response->body), ':') == NULL ? buf_text(&response->body) : "…");
    forward_next(forwarded, request);
}

static void finish_forwarded(void *context)
{
    struct forwarded *forwarded = context;

    note_done(forwarded->fixture, true);
    buf_finish(&forwarded->lines);
    free(forwarded);
}

static void forward_next(struct forwarded *forwarded, struct http_request *request)
{
    struct http_forward to = {.context = forwarded,
                              .answered = take_answer,
                              .finish = finish_forwarded,
                              .idempotency_key = "k",
                              .method = forwarded->line};
    size_t len = strcspn(forwarded->rest, "\n");

    if (len == 0) {
        reply_text(request, 200, buf_text(&forwarded->lines));
        return;
    }
    (void)snprintf(forwarded->line, sizeof forwarded->line, "%.*s", (int)len, forwarded->rest);
    memmove(forwarded->rest, forwarded->rest + len + 1, strlen(forwarded->rest + len + 1) + 1);
    char *target = strchr(forwarded->line, ' ');
    *target++ = '\0';
    char *body = strchr(target, ' ');
    buf_init(&to.body, 1000);
    if (body != NULL) {
        *body++ = '\0';
        buf_puts(&to.body, body);
    }
    to.target = target;
    http_forward(request, &to);
}

static void forward(void *context, struct http_request *request)
{
    struct forwarded *forwarded = calloc(1, sizeof *forwarded + http_body(request)->len + 2);

    ck_assert_ptr_nonnull(forwarded);
    forwarded->fixture = context;
    forwarded->rest = (char *)(forwarded + 1);
    memcpy(forwarded->rest, buf_text(http_body(request)), http_body(request)->len);
    buf_init(&forwarded->lines, 100000);
    forward_next(forwarded, request);
}

static const struct http_route routes[] = {
    {"GET", "/hello", HTTP_SCOPE_NONE, HTTP_BODY_NONE, hello},
    {"GET", "/own-url", HTTP_SCOPE_NONE, HTTP_BODY_NONE, own_url},
    {"DELETE", "/hello", HTTP_SCOPE_NONE, HTTP_BODY_NONE, hello},
    {"GET", "/", HTTP_SCOPE_NONE, HTTP_BODY_NONE, hello},
    {"POST", "/echo", HTTP_SCOPE_SUBMIT, HTTP_BODY_JSON, echo},
    {"PATCH", "/echo", HTTP_SCOPE_SUBMIT, HTTP_BODY_JSON_PATCH, echo},
    {"POST", "/bulk", HTTP_SCOPE_SUBMIT, HTTP_BODY_JSON_BULK, echo},
    {"POST", "/later", HTTP_SCOPE_WORKER, HTTP_BODY_JSON_OPTIONAL, later},
    {"PUT", "/upload", HTTP_SCOPE_SUBMIT, HTTP_BODY_STREAM, upload},
    {"POST", "/forward", HTTP_SCOPE_READ, HTTP_BODY_BYTES, forward},
    {"GET", "/headers", HTTP_SCOPE_NONE, HTTP_BODY_NONE, headers},
    {"PUT", "/headers", HTTP_SCOPE_NONE, HTTP_BODY_NONE, headers},
    {"GET", "/secret", HTTP_SCOPE_READ, HTTP_BODY_NONE, hello},
    {"GET", "/stream", HTTP_SCOPE_READ, HTTP_BODY_NONE, stream},
    {"GET", "/things/{thing}/parts/{part}", HTTP_SCOPE_READ, HTTP_BODY_NONE, parts},
};

static int status_of(enum err_code code)
{
    static const int statuses[ERR_CODE_COUNT] = {
        [ERR_MALFORMED] = 400,        [ERR_UNAUTHORIZED] = 401, [ERR_FORBIDDEN] = 403,
        [ERR_NOT_FOUND] = 404,        [ERR_TOO_LARGE] = 413,    [ERR_METHOD_NOT_ALLOWED] = 405,
        [ERR_UNSUPPORTED_TYPE] = 415, [ERR_RATE_LIMITED] = 429, [ERR_OVERLOADED] = 503,
    };

    return statuses[code] == 0 ? 500 : statuses[code];
}

static void problem(void *context, struct http_request *request, const struct err *err,
                    struct http_response *response)
{
    (void)context;
    http_response_init(response, status_of(err->code), "application/problem+json");
    buf_printf(&response->body, "%s: %s", http_request_id(request), err->text);
}

static void *run_loop(void *context)
{
    struct fixture *f = context;
    struct err err = {0};

    atomic_store(&f->loop_stat, open("/proc/thread-self/stat", O_RDONLY | O_CLOEXEC));
    ck_assert_int_eq(http_server_run(f->server, 0, &err), 0);
    (void)close(atomic_exchange(&f->loop_stat, -1));
    return NULL;
}

/* Answers everything that is there as one batch. */
static void *run_answerer(void *context)
{
    static struct http_request *batch[FIXTURE_QUEUE];
    static struct http_response responses[FIXTURE_QUEUE];
    struct fixture *f = context;

    (void)pthread_mutex_lock(&f->lock);
    for (;;) {
        while (!f->stop && (f->n_queued == 0 || f->n_queued < f->hold)) {
            (void)pthread_cond_wait(&f->changed, &f->lock);
        }
        if (f->stop) {
            break;
        }
        size_t n = f->n_queued;
        memcpy(batch, f->queue, n * sizeof batch[0]);
        f->n_queued = 0;
        (void)pthread_mutex_unlock(&f->lock);
        for (size_t i = 0; i < n; i++) {
            const struct buf *body = http_body(batch[i]);
            http_response_init(&responses[i], 201, "application/json");
            buf_append(&responses[i].body, body->data, body->len);
        }
        http_reply_batch(batch, responses, n);
        (void)pthread_mutex_lock(&f->lock);
    }
    (void)pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* The clock is a member of a struct fixture, which is not const. */
static int64_t read_monotonic(const struct clock *clock)
{
    struct fixture_clock *self = (struct fixture_clock *)(uintptr_t)clock;

    atomic_fetch_add(&self->n_reads, 1);
    return atomic_load(&self->now_ms);
}

static int64_t read_wall(const struct clock *clock)
{
    return read_monotonic(clock) + 1700000000000;
}

static int create(struct fixture *f, const struct http_settings *settings, struct err *err)
{
    struct http_settings all = {.open = true};

    if (settings != NULL) {
        all = *settings;
    }
    f->clock.clock = (struct clock){read_monotonic, read_wall};
    atomic_init(&f->clock.now_ms, 1000000);
    all.listen[0] = all.listen[0] == NULL ? "127.0.0.1:0" : all.listen[0];
    all.clock = &f->clock.clock;
    all.routes = routes;
    all.n_routes = sizeof routes / sizeof routes[0];
    all.context = f;
    all.problem = problem;
    return http_server_create(&all, &f->server, err);
}

int fixture_try(const struct http_settings *settings, struct err *err)
{
    struct fixture f = {0};
    int result = create(&f, settings, err);

    if (result == 0) {
        http_server_destroy(f.server);
    }
    return result;
}

struct fixture *fixture_start(const struct http_settings *settings)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct err err = {0};

    ck_assert_ptr_nonnull(f);
    if (create(f, settings, &err) != 0) {
        ck_abort_msg("%s", err.text);
    }
    atomic_init(&f->loop_stat, -1);
    f->port = http_port_of(http_server_url(f->server, 0));
    (void)pthread_mutex_init(&f->lock, NULL);
    (void)pthread_cond_init(&f->changed, NULL);
    ck_assert_int_eq(pthread_create(&f->loop, NULL, run_loop, f), 0);
    while (atomic_load(&f->loop_stat) < 0) { /* opened while there are descriptors */
        (void)sched_yield();
    }
    ck_assert_int_eq(pthread_create(&f->answerer, NULL, run_answerer, f), 0);
    return f;
}

void fixture_stop_ended(struct fixture *f)
{
    (void)pthread_mutex_lock(&f->lock);
    f->stop = true;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
    (void)pthread_join(f->answerer, NULL);
    http_server_destroy(f->server);
    (void)pthread_cond_destroy(&f->changed);
    (void)pthread_mutex_destroy(&f->lock);
    free(f);
}

void fixture_stop(struct fixture *f)
{
    http_server_stop(f->server);
    (void)pthread_join(f->loop, NULL);
    fixture_stop_ended(f);
}

void fixture_wait(struct fixture *f, const size_t *value, size_t wanted)
{
    (void)pthread_mutex_lock(&f->lock);
    while (*value < wanted) {
        (void)pthread_cond_wait(&f->changed, &f->lock);
    }
    (void)pthread_mutex_unlock(&f->lock);
}

void fixture_advance(struct fixture *f, int64_t ms)
{
    OWN(http_answer) struct http_answer answer;

    atomic_fetch_add(&f->clock.now_ms, ms);
    ck_assert_int_eq(http_call(f->port, "GET", "/hello", NULL, NULL, &answer), 200);
}

void fixture_pass(struct fixture *f, int64_t ms)
{
    atomic_fetch_add(&f->clock.now_ms, ms);
    http_stream_wake(f->server, NULL);
}

void fixture_wait_connections(struct fixture *f, uint64_t wanted)
{
    struct http_stats stats;

    do {
        (void)sched_yield();
        http_server_stats(f->server, &stats);
    } while (stats.connections != wanted);
    ck_assert(wanted > 0 || stats.active == 0);
}

/* Is the loop's thread asleep? One that is only waiting for a processor is not. */
static bool loop_sleeps(const struct fixture *f)
{
    char text[256] = "";
    ssize_t len = pread(atomic_load(&f->loop_stat), text, sizeof text - 1, 0);
    const char *name_end = strrchr(text, ')');

    return len > 0 && name_end != NULL && name_end[2] == 'S';
}

void fixture_wait_rest(struct fixture *f)
{
    for (int calm = 0; calm < REST_SAMPLES;) {
        unsigned long before = atomic_load(&f->clock.n_reads);
        (void)sched_yield();
        bool rests = loop_sleeps(f) && atomic_load(&f->clock.n_reads) == before;
        calm = rests ? calm + 1 : 0;
    }
}

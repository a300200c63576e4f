#include "server/api/slices.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/log.h"

#define SLICE_BYTES_MAX ((size_t)16 << 20)

struct slices {
    struct api *api;
    struct http_request *request; /* not after `closed` */
    struct slices_source source;
    int64_t last_ms;      /* loop thread: when bytes were last handed out */
    pthread_mutex_t lock; /* guards what follows */
    struct buf ready;
    bool running;   /* a job is queued or at work */
    bool was_empty; /* the last slice had no bytes */
    bool more;
    bool failed;
    bool closed; /* the request is over */
};

static void slices_destroy(struct slices *slices)
{
    slices->source.destroy(slices->source.context);
    buf_finish(&slices->ready);
    (void)pthread_mutex_destroy(&slices->lock);
    free(slices);
}

/* Reader thread. */
static void run_slice(void *argument, struct store *store)
{
    struct slices *slices = argument;
    OWN(buf) struct buf out;
    struct err err = {0};
    bool more = false;

    buf_init(&out, SLICE_BYTES_MAX);
    int result = slices->source.slice(slices->source.context, store, &out, &more, &err);
    if (result != 0 || out.failed) {
        log_error("a streamed answer was cut short: %s", result != 0 ? err.text : "too large");
    }
    (void)pthread_mutex_lock(&slices->lock);
    buf_append(&slices->ready, buf_text(&out), out.len);
    slices->was_empty = out.len == 0;
    slices->more = more;
    slices->failed = result != 0 || out.failed || slices->ready.failed;
    slices->running = false;
    bool closed = slices->closed;
    if (!closed) {
        http_stream_wake(slices->api->http, slices->request);
    }
    (void)pthread_mutex_unlock(&slices->lock);
    if (closed) {
        slices_destroy(slices);
    }
}

static void start_slice_locked(struct slices *slices)
{
    struct err err = {0};

    slices->running = true;
    if (engine_read(slices->api->engine, run_slice, slices, &err) != 0) {
        slices->running = false;
        slices->failed = true; /* overloaded or stopping: the client comes back where it was */
    }
}

static bool is_due(const struct slices *slices, int64_t now_ms)
{
    return slices->source.beat != NULL && now_ms - slices->last_ms >= slices->source.heartbeat_ms;
}

/* Under the lock, with nothing ready. */
static enum http_stream_state go_on(struct slices *slices)
{
    if (slices->failed) {
        return HTTP_STREAM_END;
    }
    if (slices->was_empty && slices->more && http_peer_is_gone(slices->request)) {
        return HTTP_STREAM_END; /* without bytes to send no write fails */
    }
    if (!slices->running) {
        bool news =
            slices->source.has_news != NULL && slices->source.has_news(slices->source.context);
        if (slices->more || news) {
            start_slice_locked(slices);
        } else if (slices->source.has_news == NULL) {
            return HTTP_STREAM_END;
        }
    }
    return slices->failed ? HTTP_STREAM_END : HTTP_STREAM_IDLE;
}

static enum http_stream_state produce(void *context, struct buf *out)
{
    struct slices *slices = context;
    int64_t now_ms = slices->api->clock->monotonic_ms(slices->api->clock);
    enum http_stream_state state;

    (void)pthread_mutex_lock(&slices->lock);
    if (slices->ready.len > 0) {
        buf_append(out, slices->ready.data, slices->ready.len);
        buf_clear(&slices->ready);
        state = HTTP_STREAM_MORE;
    } else {
        state = go_on(slices);
        if (state == HTTP_STREAM_IDLE && is_due(slices, now_ms)) {
            slices->source.beat(slices->source.context, out);
            state = HTTP_STREAM_MORE;
        }
    }
    (void)pthread_mutex_unlock(&slices->lock);
    if (slices->source.aside != NULL && state != HTTP_STREAM_END) {
        size_t before = out->len;
        slices->source.aside(slices->source.context, out);
        state = out->len > before ? HTTP_STREAM_MORE : state;
    }
    if (state == HTTP_STREAM_MORE) {
        slices->last_ms = now_ms;
    }
    return state;
}

static void finish(void *context)
{
    struct slices *slices = context;

    (void)pthread_mutex_lock(&slices->lock);
    slices->closed = true;
    bool running = slices->running;
    (void)pthread_mutex_unlock(&slices->lock);
    if (!running) {
        slices_destroy(slices);
    }
}

void slices_reply(struct api *api, struct http_request *request, struct http_response *response,
                  const struct slices_source *source)
{
    struct slices *slices = calloc(1, sizeof *slices);
    struct err err = {0};

    if (slices == NULL) {
        (void)err_set(&err, ERR_NOMEM, "the server is out of memory; repeat in a moment");
        source->destroy(source->context);
        http_response_finish(response);
        reply_problem(request, &err, NULL);
        return;
    }
    slices->api = api;
    slices->request = request;
    slices->source = *source;
    slices->last_ms = api->clock->monotonic_ms(api->clock);
    slices->more = true; /* the first slice */
    buf_init(&slices->ready, SLICE_BYTES_MAX);
    (void)pthread_mutex_init(&slices->lock, NULL);
    const struct http_stream_source stream = {.context = slices,
                                              .produce = produce,
                                              .finish = finish,
                                              .heartbeat_ms = source->heartbeat_ms};
    http_reply_stream(request, response, &stream);
}

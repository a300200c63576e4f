#include "server/api/stream.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/log.h"
#include "server/api/problem.h"
#include "server/engine/optimisers.h"
#include "server/http/gzip.h"

#define CHUNK_BYTES_MAX ((size_t)16 << 20)

struct chunk_stream {
    struct request_job head; /* first: of what runs on an optimiser thread */
    struct api *api;
    struct http_request *request; /* not after `closed` */
    struct stream_source source;
    struct buf thoughts; /* what follows is the thinking job's */
    bool thinks_on;
    int thought;
    struct err why;
    int64_t last_ms;      /* loop thread: when bytes were last handed out */
    pthread_mutex_t lock; /* guards what follows */
    struct buf ready;
    struct gzip *gzip; /* NULL: sent as it is; used by the job alone */
    bool running;      /* a job is queued or at work */
    bool was_empty;    /* the last chunk had no bytes */
    bool more;
    bool failed;
    bool closed; /* the request is over */
};

static void stream_destroy(struct chunk_stream *stream)
{
    stream->source.destroy(stream->source.context);
    buf_finish(&stream->ready);
    gzip_destroy(stream->gzip);
    (void)pthread_mutex_destroy(&stream->lock);
    free(stream);
}

/* Reader thread: `out` becomes what is sent for it. */
static void pack(struct chunk_stream *stream, bool last, struct buf *out)
{
    struct buf packed;

    if (stream->gzip == NULL || out->failed) {
        return;
    }
    buf_init(&packed, CHUNK_BYTES_MAX);
    gzip_append(stream->gzip, buf_text(out), out->len, last, &packed);
    buf_finish(out);
    *out = packed;
}

/* Keeps what a job has made; the job is over then, and may be freed. */
static void take_chunk(struct chunk_stream *stream, int result, struct buf *made, bool more,
                       const struct err *why)
{
    OWN(buf) struct buf out = *made;
    struct err err = *why;

    if (result != 0 || out.failed) {
        log_error("a streamed answer was cut short: %s", result != 0 ? err.text : "too large");
    }
    pack(stream, !more, &out);
    (void)pthread_mutex_lock(&stream->lock);
    buf_append(&stream->ready, buf_text(&out), out.len);
    stream->was_empty = out.len == 0;
    stream->more = more;
    stream->failed = result != 0 || out.failed || stream->ready.failed;
    stream->running = false;
    bool closed = stream->closed;
    if (!closed) {
        http_stream_wake(stream->api->http, stream->request);
    }
    (void)pthread_mutex_unlock(&stream->lock);
    if (closed) {
        stream_destroy(stream);
    }
}

/* Reader thread. */
static void run_chunk(void *argument, struct store *store)
{
    struct chunk_stream *stream = argument;
    struct buf out;
    struct err err = {0};
    bool more = false;

    buf_init(&out, CHUNK_BYTES_MAX);
    int result = stream->source.read_chunk(stream->source.context, store, &out, &more, &err);
    take_chunk(stream, result, &out, more, &err);
}

/* Optimiser thread. */
static bool think_step(struct request_job *head, const atomic_bool *stop)
{
    struct chunk_stream *stream = (struct chunk_stream *)head;

    stream->thought = stream->source.think(stream->source.context, stop, &stream->thoughts,
                                           &stream->thinks_on, &stream->why);
    return false;
}

static void think_end(struct request_job *head, const struct err *why)
{
    struct chunk_stream *stream = (struct chunk_stream *)head;

    take_chunk(stream, why != NULL ? -1 : stream->thought, &stream->thoughts, stream->thinks_on,
               why != NULL ? why : &stream->why);
}

/* As a job that has been long already: those that are soon done go first. */
static int start_thinking(struct chunk_stream *stream, struct err *err)
{
    stream->head =
        (struct request_job){.n_steps = REQUEST_STEPS_SHORT, .step = think_step, .end = think_end};
    stream->why = (struct err){0};
    stream->thinks_on = false;
    buf_init(&stream->thoughts, CHUNK_BYTES_MAX);
    return engine_think(stream->api->engine, &stream->head, err);
}

static bool needs_thinking(const struct chunk_stream *stream)
{
    return stream->source.think != NULL && stream->source.needs_thinking(stream->source.context);
}

static void start_chunk_locked(struct chunk_stream *stream)
{
    struct err err = {0};

    stream->running = true;
    if (needs_thinking(stream) ? start_thinking(stream, &err) != 0
                               : engine_read(stream->api->engine, run_chunk, stream, &err) != 0) {
        stream->running = false;
        stream->failed = true; /* overloaded or stopping */
    }
}

static bool is_due(const struct chunk_stream *stream, int64_t now_ms)
{
    return stream->source.heartbeat != NULL
           && now_ms - stream->last_ms >= stream->source.heartbeat_ms;
}

/* Under the lock, with nothing ready. */
static enum http_stream_state go_on(struct chunk_stream *stream)
{
    if (stream->failed) {
        return HTTP_STREAM_FAIL;
    }
    if (stream->was_empty && stream->more && http_peer_has_closed(stream->request)) {
        return HTTP_STREAM_FAIL; /* without bytes to send no write fails */
    }
    if (!stream->running && !stream->more && stream->source.is_over != NULL
        && stream->source.is_over(stream->source.context)) {
        return HTTP_STREAM_END;
    }
    if (!stream->running) {
        bool news =
            stream->source.has_news != NULL && stream->source.has_news(stream->source.context);
        if (stream->more || news) {
            start_chunk_locked(stream);
        } else if (stream->source.has_news == NULL) {
            return HTTP_STREAM_END;
        }
    }
    return stream->failed ? HTTP_STREAM_FAIL : HTTP_STREAM_IDLE;
}

static enum http_stream_state produce(void *context, struct buf *out)
{
    struct chunk_stream *stream = context;
    int64_t now_ms = stream->api->clock->monotonic_ms(stream->api->clock);
    enum http_stream_state state;

    (void)pthread_mutex_lock(&stream->lock);
    if (stream->ready.len > 0) {
        buf_append(out, stream->ready.data, stream->ready.len);
        buf_clear(&stream->ready);
        state = HTTP_STREAM_MORE;
    } else {
        state = go_on(stream);
        if (state == HTTP_STREAM_IDLE && is_due(stream, now_ms)) {
            stream->source.heartbeat(stream->source.context, out);
            state = HTTP_STREAM_MORE;
        }
    }
    (void)pthread_mutex_unlock(&stream->lock);
    bool is_over = state == HTTP_STREAM_END || state == HTTP_STREAM_FAIL;
    if (stream->source.aside != NULL && !is_over) {
        size_t before = out->len;
        stream->source.aside(stream->source.context, out);
        state = out->len > before ? HTTP_STREAM_MORE : state;
    }
    if (state == HTTP_STREAM_MORE) {
        stream->last_ms = now_ms;
    }
    return state;
}

static void finish(void *context)
{
    struct chunk_stream *stream = context;

    (void)pthread_mutex_lock(&stream->lock);
    stream->closed = true;
    bool running = stream->running;
    (void)pthread_mutex_unlock(&stream->lock);
    if (!running) {
        stream_destroy(stream);
    }
}

/* Chooses how a large answer is sent. */
static void negotiate(struct chunk_stream *stream, struct http_response *response)
{
    if (!stream->source.is_large) {
        return;
    }
    http_response_header(response, "Vary", "Accept-Encoding");
    if (http_accepts(stream->request, "Accept-Encoding", "gzip")
        && (stream->gzip = gzip_create()) != NULL) {
        http_response_header(response, "Content-Encoding", "gzip");
    }
}

void stream_reply(struct api *api, struct http_request *request, struct http_response *response,
                  const struct stream_source *source)
{
    struct chunk_stream *stream = calloc(1, sizeof *stream);
    struct err err = {0};

    if (stream == NULL) {
        (void)err_set(&err, ERR_NOMEM, "the server is out of memory; repeat in a moment");
        source->destroy(source->context);
        http_response_finish(response);
        reply_problem(request, &err, NULL);
        return;
    }
    stream->api = api;
    stream->request = request;
    stream->source = *source;
    stream->last_ms = api->clock->monotonic_ms(api->clock);
    stream->more = true; /* the first chunk */
    buf_init(&stream->ready, CHUNK_BYTES_MAX);
    (void)pthread_mutex_init(&stream->lock, NULL);
    negotiate(stream, response);
    const struct http_stream_source http_source = {.context = stream,
                                                   .produce = produce,
                                                   .finish = finish,
                                                   .heartbeat_ms = source->heartbeat_ms,
                                                   .sends_heartbeat = source->heartbeat != NULL,
                                                   .has_end = source->has_news == NULL};
    http_reply_stream(request, response, &http_source);
}

/* Streamed answers: MHD asks for bytes, the source makes them, and when there are none the
 * connection is suspended until http_stream_wake() is called or a heartbeat is due. */
#include "server/http/stream.h"

#include <stdlib.h>
#include <string.h>

#include "server/http/auth.h"
#include "server/http/hangup.h"
#include "server/http/waits.h"
#include "server/http/wake.h"

#define PENDING_MAX ((size_t)16 << 20)
#define BLOCK_BYTES 3072      /* kept for every open stream */
#define HANGUP_CHECK_MS 15000 /* for streams without a heartbeat */

void stream_link(struct http_request *request)
{
    struct http_server *server = request->server;

    request->stream->linked = true;
    request->stream->next = server->streams;
    if (server->streams != NULL) {
        server->streams->stream->previous = request;
    }
    server->streams = request;
}

static void unlink_stream(struct http_request *request)
{
    struct stream *stream = request->stream;

    if (stream->previous != NULL) {
        stream->previous->stream->next = stream->next;
    } else if (request->server->streams == request) {
        request->server->streams = stream->next;
    }
    if (stream->next != NULL) {
        stream->next->stream->previous = stream->previous;
    }
}

/* When a stream that has nothing to send is looked at next: for its heartbeat, for a client that
 * has left, for a token that expires. */
static int64_t next_beat_ms(const struct http_request *request)
{
    const struct clock *clock = request->server->clock;
    const struct http_stream_source *source = &request->stream->source;
    int64_t span_ms = source->heartbeat_ms > 0 ? source->heartbeat_ms : HANGUP_CHECK_MS;

    if (request->principal.expires_at_ms != 0) {
        int64_t left_ms = request->principal.expires_at_ms - clock->wall_ms(clock);
        span_ms = left_ms < span_ms ? left_ms : span_ms;
    }
    return clock->monotonic_ms(clock) + span_ms;
}

static void fall_asleep(struct http_request *request)
{
    struct http_server *server = request->server;
    struct stream *stream = request->stream;

    stream->sleeping = true;
    stream->heartbeat_due_ms = next_beat_ms(request);
    if (stream->heartbeat_due_ms < server->stream_due_ms) {
        server->stream_due_ms = stream->heartbeat_due_ms;
    }
    MHD_suspend_connection(request->mhd);
}

/* Fills `pending`; false when there is nothing and nothing may come. */
static bool refill(struct http_request *request)
{
    struct stream *stream = request->stream;

    buf_clear(&stream->pending);
    stream->sent = 0;
    while (stream->pending.len == 0 && !stream->ended) {
        bool may_go_on = !request->server->stopping && auth_is_valid(request);
        enum http_stream_state state =
            may_go_on ? stream->source.produce(stream->source.context, &stream->pending)
                      : HTTP_STREAM_FAIL;
        stream->failed = state == HTTP_STREAM_FAIL || stream->pending.failed;
        stream->ended = state == HTTP_STREAM_END || stream->failed;
        if (state == HTTP_STREAM_IDLE) {
            break;
        }
    }
    return stream->pending.len > 0 || !stream->ended;
}

static ssize_t read_stream(void *context, uint64_t position, char *out, size_t max)
{
    struct http_request *request = context;
    struct stream *stream = request->stream;

    (void)position;
    if (stream->sent == stream->pending.len && !refill(request)) {
        if (!stream->pending.failed && !(stream->failed && stream->source.has_end)) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        hangup_break(request);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t rest = stream->pending.len - stream->sent;
    if (rest == 0) {
        fall_asleep(request);
        return 0;
    }
    size_t len = rest < max ? rest : max;
    memcpy(out, stream->pending.data + stream->sent, len);
    stream->sent += len;
    return (ssize_t)len;
}

struct MHD_Response *stream_create(struct http_request *request,
                                   const struct http_stream_source *source)
{
    struct stream *stream = calloc(1, sizeof *stream);

    if (stream == NULL) {
        return NULL;
    }
    stream->source = *source;
    buf_init(&stream->pending, PENDING_MAX);
    request->stream = stream;
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, request,
                                             NULL);
}

void stream_end(struct http_request *request)
{
    struct stream *stream = request->stream;

    if (stream->linked) {
        unlink_stream(request);
    }
    if (stream->source.finish != NULL) {
        stream->source.finish(stream->source.context);
    }
    buf_finish(&stream->pending);
    free(stream);
    request->stream = NULL;
}

static void wake(struct http_request *request)
{
    if (request->stream->sleeping) {
        request->stream->sleeping = false;
        MHD_resume_connection(request->mhd);
    }
}

void http_stream_wake(struct http_server *server, struct http_request *request)
{
    (void)pthread_mutex_lock(&server->lock);
    if (request == NULL) {
        server->wake_all = true;
    } else if (!request->wake_queued) {
        request->wake_queued = true;
        request->next_wake = server->wake_first;
        server->wake_first = request;
    }
    server_wake_locked(server);
    (void)pthread_mutex_unlock(&server->lock);
}

/* Takes what was asked for under the lock: a stream that is awake at this moment asks its source
 * again before it sleeps, so no wake is lost. */
static bool take_wakes(struct http_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    bool all = server->wake_all;
    struct http_request *request = server->wake_first;
    server->wake_all = false;
    server->wake_first = NULL;
    while (request != NULL) {
        struct http_request *next = request->next_wake;
        request->wake_queued = false;
        if (request->stream != NULL && request->stream->linked) {
            wake(request);
        }
        request = next;
    }
    (void)pthread_mutex_unlock(&server->lock);
    return all;
}

void stream_client_closed(struct http_request *request)
{
    if (request->phase == REQUEST_SENDING && request->stream != NULL && request->stream->sleeping) {
        request->stream->heartbeat_due_ms = 0;
        request->server->stream_due_ms = 0;
    }
}

static void beat(struct http_request *request)
{
    struct stream *stream = request->stream;

    bool will_send = stream->source.sends_heartbeat || stream->source.has_end;
    if (will_send ? http_peer_has_closed(request) : http_peer_is_gone(request)) {
        stream->ended = true;
        stream->failed = true;
        wake(request);
    } else if (stream->source.heartbeat_ms > 0 || !auth_is_valid(request)) {
        wake(request);
    } else {
        stream->heartbeat_due_ms = next_beat_ms(request);
    }
}

static void beat_all(struct http_server *server)
{
    int64_t now_ms = server->clock->monotonic_ms(server->clock);
    int64_t next_ms = INT64_MAX;

    if (server->stream_due_ms > now_ms) {
        return;
    }
    for (struct http_request *at = server->streams; at != NULL; at = at->stream->next) {
        if (at->stream->sleeping && at->stream->heartbeat_due_ms <= now_ms) {
            beat(at);
        }
        if (at->stream->sleeping && at->stream->heartbeat_due_ms < next_ms) {
            next_ms = at->stream->heartbeat_due_ms;
        }
    }
    server->stream_due_ms = next_ms;
}

void streams_wake(struct http_server *server)
{
    if (take_wakes(server) || server->stopping) {
        waits_wake(server);
        for (struct http_request *at = server->streams; at != NULL; at = at->stream->next) {
            wake(at);
        }
    }
    beat_all(server);
}

int64_t streams_next_ms(const struct http_server *server)
{
    int64_t now_ms = server->clock->monotonic_ms(server->clock);

    if (server->stream_due_ms == INT64_MAX) {
        return -1;
    }
    return server->stream_due_ms > now_ms ? server->stream_due_ms - now_ms : 0;
}

/* What a handler can read of its request. */
#include "server/http/request.h"

#include <poll.h>
#include <string.h>

#include "server/http/forward.h"
#include "server/http/hangup.h"
#include "server/http/negotiate.h"
#include "server/http/unix_socket.h"

void *http_context(const struct http_request *request)
{
    return request->server->settings.context;
}

void http_set_note(struct http_request *request, int note)
{
    request->note = note;
}

int http_note(const struct http_request *request)
{
    return request->note;
}

const struct http_route *http_matched(const struct http_request *request)
{
    return request->route;
}

const char *http_param(const struct http_request *request, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < request->n_params; i++) {
        if (request->params[i].name_len == len && memcmp(request->params[i].name, name, len) == 0) {
            return request->params[i].value;
        }
    }
    return NULL;
}

const char *http_query(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->target.n_query; i++) {
        if (strcmp(request->target.query[i].name, name) == 0) {
            return request->target.query[i].value;
        }
    }
    return NULL;
}

bool http_query_next(const struct http_request *request, size_t *cursor, const char **name,
                     const char **value)
{
    if (*cursor >= request->target.n_query) {
        return false;
    }
    *name = request->target.query[*cursor].name;
    *value = request->target.query[*cursor].value;
    (*cursor)++;
    return true;
}

const char *http_header(const struct http_request *request, const char *name)
{
    const char *value;

    if (forward_header(request, name, &value)) {
        return value;
    }
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

bool http_accepts(const struct http_request *request, const char *header, const char *what)
{
    return list_names(http_header(request, header), what);
}

bool http_has_tag(const struct http_request *request, const char *tag)
{
    return list_has_tag(http_header(request, "If-None-Match"), tag);
}

const struct buf *http_body(const struct http_request *request)
{
    return &request->body;
}

const struct http_principal *http_principal(const struct http_request *request)
{
    return &request->principal;
}

const char *http_request_id(const struct http_request *request)
{
    return request->id;
}

const char *http_peer_address(const struct http_request *request)
{
    return request->connection->peer;
}

const char *http_path(const struct http_request *request)
{
    return request->target.path;
}

/* Over a unix socket the system tells one that has closed from one that only ended its side. */
static short ends_of(const struct http_request *request)
{
    struct pollfd peer = {
        .fd = request->connection->fd,
        .events = unix_socket_path(request->connection->listener->text) != NULL ? 0 : POLLRDHUP};

    return poll(&peer, 1, 0) > 0 ? (short)(peer.revents & (POLLRDHUP | POLLHUP | POLLERR)) : 0;
}

bool http_peer_is_gone(const struct http_request *request)
{
    return ends_of(request) != 0;
}

bool http_peer_has_closed(const struct http_request *request)
{
    return (ends_of(request) & (POLLHUP | POLLERR)) != 0;
}

bool http_client_has_left(struct http_request *request)
{
    short ends = ends_of(request);

    if (ends == 0 || (ends & (POLLHUP | POLLERR)) != 0) {
        return ends != 0;
    }
    hangup_ask(request);
    return false;
}

void http_watch_client(struct http_request *request)
{
    request->is_watched = true;
    if (request->connection->peer_left) {
        hangup_ask(request);
    }
}

void http_on_done(struct http_request *request, void (*done)(void *context, bool sent),
                  void *context)
{
    request->done = done;
    request->done_context = context;
}

bool http_may_stream(struct http_request *request)
{
    struct http_server *server = request->server;

    if (!request->may_stream && server->n_streams >= STREAMS_MAX) {
        return false;
    }
    server->n_streams += request->may_stream ? 0 : 1;
    request->may_stream = true;
    return true;
}

void waiting_add(struct http_request *request)
{
    struct http_server *server = request->server;

    request->previous_waiting = NULL;
    request->next_waiting = server->waiting;
    if (server->waiting != NULL) {
        server->waiting->previous_waiting = request;
    }
    server->waiting = request;
    atomic_fetch_add_explicit(&server->deferred, 1, memory_order_relaxed);
}

void waiting_remove(struct http_request *request)
{
    struct http_server *server = request->server;

    if (request->previous_waiting != NULL) {
        request->previous_waiting->next_waiting = request->next_waiting;
    } else {
        server->waiting = request->next_waiting;
    }
    if (request->next_waiting != NULL) {
        request->next_waiting->previous_waiting = request->previous_waiting;
    }
    atomic_fetch_sub_explicit(&server->deferred, 1, memory_order_relaxed);
}

void http_defer(struct http_request *request)
{
    request->phase = REQUEST_DEFERRED;
    waiting_add(request);
    MHD_suspend_connection(request->mhd);
}

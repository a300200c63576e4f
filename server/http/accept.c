/* Taking connections. The loop accepts by itself and hands the sockets to MHD, because MHD (0.9.75)
 * takes a listening socket out of its epoll set at its limit and puts it back only in a later
 * MHD_run(), which nothing announces. After a failed accept() it stays out until a connection ends,
 * and where there is no connection MHD turns without a pause.
 *
 * The listening socket is watched unless all places are taken or accepting pauses. It is looked at
 * again at the end of every turn, and a pause has an end of its own. */
#include "server/http/accept.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/log.h"
#include "server/http/listen.h"

#define ACCEPTS_A_TURN 64 /* open connections are served in between */
#define PAUSE_MS 1000
#define WARNING_INTERVAL_MS 60000

static bool has_place(const struct http_server *server)
{
    return atomic_load_explicit(&server->connections, memory_order_relaxed)
           < server->connections_max;
}

/* Errors of one client or of its network, accept(2): the next client is tried. */
static bool is_of_one_client(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
        return true;
    default:
        return false;
    }
}

static void pause_accepting(struct http_server *server, int error)
{
    int64_t now_ms = server->clock->monotonic_ms(server->clock);

    server->accept_due_ms = now_ms + PAUSE_MS;
    if (now_ms >= server->accept_warning_due_ms) {
        server->accept_warning_due_ms = now_ms + WARNING_INTERVAL_MS;
        log_warning("new connections wait: %s; the limit on open files (ulimit -n) or the memory "
                    "of this machine is used up",
                    strerror(error));
    }
}

/* False: nothing more to accept in this turn. */
static bool accept_one(struct http_server *server, const struct listener *listener)
{
    struct sockaddr_storage storage;
    struct sockaddr *address = (struct sockaddr *)&storage;
    socklen_t len = sizeof storage;

    int fd = accept4(listener->fd, address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        server->accepting = listener;
        (void)MHD_add_connection(server->daemon, fd, address, len); /* closes it when it fails */
        return true;
    }
    int error = errno;
    if (is_of_one_client(error)) {
        return true;
    }
    if (error != EAGAIN) {
        pause_accepting(server, error);
    }
    return false;
}

void accept_clients(struct http_server *server)
{
    for (size_t k = 0; k < server->n_listeners; k++) {
        struct listener *listener = &server->listeners[k];
        for (int i = 0; listener->is_ready && i < ACCEPTS_A_TURN && has_place(server)
                        && accept_one(server, listener);
             i++) {
        }
        listener->is_ready = false;
    }
}

static void watch(const struct http_server *server, struct listener *listener, bool wanted)
{
    struct epoll_event event = {.events = wanted ? EPOLLIN : 0, .data.ptr = listener};

    if (listener->fd >= 0 && wanted != listener->is_watched
        && epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, listener->fd, &event) == 0) {
        listener->is_watched = wanted;
    }
}

void accept_review(struct http_server *server)
{
    bool paused = accept_next_ms(server) > 0;

    if (!paused) {
        server->accept_due_ms = 0;
    }
    for (size_t i = 0; i < server->n_listeners; i++) {
        watch(server, &server->listeners[i], has_place(server) && !paused);
    }
}

int64_t accept_next_ms(const struct http_server *server)
{
    if (server->accept_due_ms == 0) {
        return -1;
    }
    int64_t wait_ms = server->accept_due_ms - server->clock->monotonic_ms(server->clock);
    return wait_ms > 0 ? wait_ms : 0;
}

void accept_end(struct http_server *server)
{
    for (size_t i = 0; i < server->n_listeners; i++) {
        if (server->listeners[i].fd >= 0) {
            (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->listeners[i].fd, NULL);
            listener_close(&server->listeners[i]);
        }
    }
    server->accept_due_ms = 0;
}

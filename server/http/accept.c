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
static bool accept_one(struct http_server *server)
{
    struct sockaddr_storage storage;
    struct sockaddr *address = (struct sockaddr *)&storage;
    socklen_t len = sizeof storage;

    int fd = accept4(server->listen_fd, address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
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
    for (int i = 0; i < ACCEPTS_A_TURN && has_place(server) && accept_one(server); i++) {
    }
}

void accept_review(struct http_server *server)
{
    struct epoll_event event = {.data.ptr = &server->listen_fd};
    bool paused = accept_next_ms(server) > 0;

    if (!paused) {
        server->accept_due_ms = 0;
    }
    bool watch = has_place(server) && !paused;
    if (server->listen_fd < 0 || watch == server->listening_watched) {
        return;
    }
    event.events = watch ? EPOLLIN : 0;
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, server->listen_fd, &event) == 0) {
        server->listening_watched = watch;
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
    if (server->listen_fd >= 0) {
        (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->listen_fd, NULL);
        (void)close(server->listen_fd);
        server->listen_fd = -1;
    }
    server->accept_due_ms = 0;
}

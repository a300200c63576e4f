/* Clients that leave in the middle of a request.
 *
 * MHD (0.9.75) watches its sockets edge-triggered and believes a short read to have taken all there
 * is. It misses the end of a stream that arrived together with the last bytes: such a connection
 * stayed until its deadline, with its memory and its descriptor. So the loop watches for that end
 * as well, and shuts the socket down once MHD has read everything and no answer is under way: MHD
 * notices that. A client that sends a whole request and then closes its side gets its answer.
 *
 * Over TCP, close(2) and shutdown(SHUT_WR) of the client look the same until something is sent to
 * it. Where the server must know before the answer, it sends an interim answer: a closed socket
 * replies with a reset. Over TLS only the thread that owns the request may use the session. */
#include "server/http/hangup.h"

#include <gnutls/gnutls.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "server/http/stream.h"
#include "server/http/unix_socket.h"

#define REVIEWS 2       /* MHD has looked at all that it had read */
#define REVIEWS_MAX 256 /* then the connection is left to its deadline */

void hangup_watch(struct http_connection *connection)
{
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = connection};

    /* without memory for it the deadline remains */
    (void)epoll_ctl(connection->server->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event);
}

static void review_later(struct http_connection *connection)
{
    struct http_server *server = connection->server;

    if (connection->hangup_link != NULL) {
        return;
    }
    connection->hangup_reviews = 0;
    connection->hangup_next = server->hangups;
    connection->hangup_link = &server->hangups;
    if (server->hangups != NULL) {
        server->hangups->hangup_link = &connection->hangup_next;
    }
    server->hangups = connection;
}

/* ---- what is sent to learn of it ---- */

static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";

static bool send_interim(const struct http_request *request)
{
    const struct http_connection *connection = request->connection;
    size_t len = sizeof interim - 1;

    if (!connection->server->tls) {
        return send(connection->fd, interim, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info != NULL && info->tls_session != NULL
           && gnutls_record_send(info->tls_session, interim, len) == (ssize_t)len;
}

void hangup_ask(struct http_request *request)
{
    const struct http_connection *connection = request->connection;
    int n_bytes = 1;

    if (!request->knows_interim || atomic_load(&request->interim_sent)
        || unix_socket_path(connection->listener->text) != NULL) {
        return;
    }
    /* All of it must find room: nothing may come between its parts. */
    if (ioctl(connection->fd, SIOCOUTQ, &n_bytes) != 0 || n_bytes != 0) {
        return;
    }
    if (!atomic_exchange(&request->interim_sent, true) && !send_interim(request)) {
        (void)shutdown(connection->fd, SHUT_RDWR);
    }
}

bool hangup_ends_wait(const struct http_request *request)
{
    const struct http_connection *connection = request->connection;
    bool is_told =
        atomic_load(&request->interim_sent) || unix_socket_path(connection->listener->text) != NULL;

    return connection->peer_closed || (connection->peer_left && !is_told);
}

/* ---- reviews ---- */

void hangup_note(struct http_connection *connection, uint32_t events)
{
    struct http_request *request = &connection->request;

    connection->peer_left = true;
    connection->peer_closed |= (events & (EPOLLHUP | EPOLLERR)) != 0;
    if (request->is_watched && request->phase == REQUEST_DEFERRED && !connection->peer_closed) {
        hangup_ask(request);
    }
    if (connection->peer_closed) {
        stream_client_closed(request);
    }
    review_later(connection);
}

void hangup_review_again(struct http_connection *connection)
{
    if (connection->peer_left) {
        review_later(connection);
    }
}

/* MHD (0.9.75) frees a connection that it ends while it asks for a piece of an answer only when no
 * connection is older. Those with a timeout of their own it looks at in each run. */
void hangup_break(struct http_request *request)
{
    (void)MHD_set_connection_option(request->mhd, MHD_CONNECTION_OPTION_TIMEOUT,
                                    INACTIVITY_SECONDS + 1);
    review_later(request->connection);
}

static void forget(struct http_connection *connection)
{
    if (connection->hangup_link == NULL) {
        return;
    }
    *connection->hangup_link = connection->hangup_next;
    if (connection->hangup_next != NULL) {
        connection->hangup_next->hangup_link = connection->hangup_link;
    }
    connection->hangup_link = NULL;
    connection->hangup_next = NULL;
}

void hangup_unwatch(struct http_connection *connection)
{
    forget(connection);
    /* Closing it is not enough: while another thread still asks the system about the socket, its
     * events go on to come, for a connection that is gone. */
    (void)epoll_ctl(connection->server->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
}

static bool has_unread(const struct http_connection *connection)
{
    int n_bytes = 0;

    return ioctl(connection->fd, FIONREAD, &n_bytes) == 0 && n_bytes > 0;
}

/* Once: each time is an event. */
static void shut(struct http_connection *connection)
{
    if (!connection->is_shut) {
        connection->is_shut = true;
        (void)shutdown(connection->fd, SHUT_RDWR);
    }
}

void hangups_review(struct http_server *server)
{
    struct http_connection *next;

    for (struct http_connection *at = server->hangups; at != NULL; at = next) {
        next = at->hangup_next;
        at->hangup_reviews++;
        if (at->request.phase > REQUEST_BODY || at->request.receive_waits
            || at->hangup_reviews > REVIEWS_MAX) {
            forget(at); /* an answer is under way, or its receiver is: looked at again after it */
        } else if (at->hangup_reviews >= REVIEWS && !has_unread(at)) {
            forget(at);
            shut(at);
        }
    }
}

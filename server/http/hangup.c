/* Clients that leave in the middle of a request.
 *
 * MHD (0.9.75) watches its sockets edge-triggered and believes a short read to have taken all there
 * is. It misses the end of a stream that arrived together with the last bytes: such a connection
 * stayed until its deadline, with its memory and its descriptor. So the loop watches for that end
 * as well, and shuts the socket down once MHD has read everything and no answer is under way: MHD
 * notices that. A client that sends a whole request and then closes its side gets its answer. */
#include "server/http/hangup.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

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

void hangup_note(struct http_connection *connection)
{
    connection->peer_left = true;
    review_later(connection);
}

void hangup_request_ended(struct http_connection *connection)
{
    if (connection->peer_left) {
        review_later(connection);
    }
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

void hangups_review(struct http_server *server)
{
    struct http_connection *next;

    for (struct http_connection *at = server->hangups; at != NULL; at = next) {
        next = at->hangup_next;
        at->hangup_reviews++;
        if (at->request.phase > REQUEST_BODY || at->hangup_reviews > REVIEWS_MAX) {
            forget(at); /* an answer is under way: looked at again when it is out */
        } else if (at->hangup_reviews >= REVIEWS && !has_unread(at)) {
            forget(at);
            (void)shutdown(at->fd, SHUT_RDWR);
        }
    }
}

/* Clients that leave in the middle of a request. Loop thread. For this folder alone. */
#ifndef SERVER_HTTP_HANGUP_H
#define SERVER_HTTP_HANGUP_H

#include "server/http/internal.h"

/* Watches the socket of a new connection for its end. */
void hangup_watch(struct http_connection *connection);
/* These events of epoll have come: the client sends nothing more. */
void hangup_note(struct http_connection *connection, uint32_t events);
/* Sends the client an interim answer, once: one that has closed refuses it, which is an event, and
 * one that only ended its side does not notice. Before it is answered; also from the thread that
 * has the deferred request. */
void hangup_ask(struct http_request *request);
/* Has the client closed the connection, or may it have, with no way to find out? */
bool hangup_ends_wait(const struct http_request *request);
/* Its request has ended, or its body is taken on: reviews it again. */
void hangup_review_again(struct http_connection *connection);
/* MHD ends the connection of a streamed answer that breaks off: lets it go in the next turn. */
void hangup_break(struct http_request *request);
/* The connection ends; its socket is still open. */
void hangup_unwatch(struct http_connection *connection);
/* After MHD has run: ends connections on which nothing more can come and nothing is to be sent. */
void hangups_review(struct http_server *server);

#endif

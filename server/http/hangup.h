/* Clients that leave in the middle of a request. Loop thread. For this folder alone. */
#ifndef SERVER_HTTP_HANGUP_H
#define SERVER_HTTP_HANGUP_H

#include "server/http/internal.h"

/* Watches the socket of a new connection for its end. */
void hangup_watch(struct http_connection *connection);
/* The event has come: the client sends nothing more. */
void hangup_note(struct http_connection *connection);
/* Its request has ended: reviews it again. */
void hangup_request_ended(struct http_connection *connection);
/* The connection ends; its socket is still open. */
void hangup_unwatch(struct http_connection *connection);
/* After MHD has run: ends connections on which nothing more can come and nothing is to be sent. */
void hangups_review(struct http_server *server);

#endif

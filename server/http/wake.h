/* Wakes the loop thread. For this folder alone. */
#ifndef SERVER_HTTP_WAKE_H
#define SERVER_HTTP_WAKE_H

#include "server/http/internal.h"

/* Any thread that holds the server's lock; writes to the eventfd once until the loop has looked. */
void server_wake_locked(struct http_server *server);

#endif

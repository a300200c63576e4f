/* Where clients connect. For this folder alone. */
#ifndef SERVER_HTTP_LISTEN_H
#define SERVER_HTTP_LISTEN_H

#include "server/http/internal.h"

/* Binds and listens everywhere. ERR_OVERLOADED, ERR_IO: which address, and why not; ERR_INVALID:
 * settings that are refused. */
MUST_USE int listen_open(struct http_server *server, struct err *err);
/* Takes no more connections there; harmless when it is closed already. */
void listener_close(struct listener *listener);

#endif

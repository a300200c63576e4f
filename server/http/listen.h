/* The listening socket and its certificate, at the start. For this folder alone. */
#ifndef SERVER_HTTP_LISTEN_H
#define SERVER_HTTP_LISTEN_H

#include "server/http/internal.h"

/* Binds and listens. ERR_IO: which address, and why not; ERR_INVALID: settings that are refused. */
MUST_USE int listen_open(struct http_server *server, struct err *err);
/* Reads certificate and key where both are named. ERR_IO, ERR_INVALID. */
MUST_USE int tls_load(struct http_server *server, struct err *err);

#endif

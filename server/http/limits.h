/* Deadlines of connections, failed tokens of a peer, sizes of bodies. Loop thread. For this folder
 * alone. */
#ifndef SERVER_HTTP_LIMITS_H
#define SERVER_HTTP_LIMITS_H

#include "server/http/internal.h"

/* Empty lists, with the spans of the settings. */
void deadlines_init(struct http_server *server);
/* The connection has from now on the time of this kind; replaces the former one. */
void deadline_set(struct http_connection *connection, enum deadline_kind kind);
/* The connection has no deadline any more; harmless if it had none. */
void deadline_clear(struct http_connection *connection);
/* The server stops: what is not received within a second could not be answered any more. */
void deadlines_hurry(struct http_server *server);
/* Cuts off every connection that is past its deadline. */
void deadlines_sweep(struct http_server *server);
/* Returns the milliseconds until the next one; -1: none. */
int64_t deadlines_next_ms(const struct http_server *server);

/* Whether this address, or of IPv6 its network of 64 bits, has sent too many bad tokens within the
 * present second. */
bool bad_token_is_limited(const struct http_server *server, const char *peer);
/* Counts one more. */
void bad_token_count(struct http_server *server, const char *peer);

/* Returns the greatest number of bytes of such a body. */
size_t body_limit(enum http_body kind);

#endif

/* Takes new connections, and pauses when descriptors run out. Loop thread. For this folder alone.
 */
#ifndef SERVER_HTTP_ACCEPT_H
#define SERVER_HTTP_ACCEPT_H

#include "server/http/internal.h"

/* Accepts what waits at the listeners that are ready. */
void accept_clients(struct http_server *server);
/* Watches the listeners or stops watching them, as the number of connections asks for; after
 * every turn. */
void accept_review(struct http_server *server);
/* Returns the milliseconds until a pause is over; -1: there is none. */
int64_t accept_next_ms(const struct http_server *server);
/* Closes the listeners. */
void accept_end(struct http_server *server);

#endif

/* Deferred requests that wait for something, of http_wait(). Loop thread. For this folder alone. */
#ifndef SERVER_HTTP_WAITS_H
#define SERVER_HTTP_WAITS_H

#include "server/http/internal.h"

/* Looks at those that are due, whose clients have left, or at all of them if something has changed,
 * and ends the ones that are over. */
void waits_review(struct http_server *server);
/* Something has changed: all are looked at in the next review. */
void waits_wake(struct http_server *server);
/* Returns the milliseconds until the next one is due; -1: none. */
int64_t waits_next_ms(const struct http_server *server);

#endif

/* Events as a stream, with measurements between them. */
#ifndef SERVER_API_EVENTS_H
#define SERVER_API_EVENTS_H

#include "server/api/api.h"

/* A handler of the route table; loop thread. */
void get_events(void *api, struct http_request *request);

/* Writer thread: sends the measurements among these commands, which stay the caller's, to the
 * clients that follow events. Costs nothing while there are none. */
void events_send_measurements(struct api *api, struct command *const commands[], size_t n);

#endif

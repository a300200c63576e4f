/* GET …/replay: every decision of a study made again, streamed. */
#ifndef SERVER_API_REPLAY_H
#define SERVER_API_REPLAY_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void get_replay(void *api, struct http_request *request);

#endif

/* GET …/export: all trials of a study, streamed. */
#ifndef SERVER_API_EXPORT_H
#define SERVER_API_EXPORT_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void get_export(void *api, struct http_request *request);

#endif

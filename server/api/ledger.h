/* GET …/ledger: where the time of a study's workers went. */
#ifndef SERVER_API_LEDGER_H
#define SERVER_API_LEDGER_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void get_ledger(void *api, struct http_request *request);

#endif

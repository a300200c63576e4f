/* GET …/trials: the trials of a study, page by page. */
#ifndef SERVER_API_TRIALS_PAGE_H
#define SERVER_API_TRIALS_PAGE_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void get_trials(void *api, struct http_request *request);

#endif

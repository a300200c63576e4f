/* GET …/trials/columns: trials column by column, for charts and data frames. */
#ifndef SERVER_API_COLUMNS_H
#define SERVER_API_COLUMNS_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void get_columns(void *api, struct http_request *request);

#endif

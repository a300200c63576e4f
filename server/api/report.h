/* GET …/report: a study as one HTML page. */
#ifndef SERVER_API_REPORT_H
#define SERVER_API_REPORT_H

#include "server/http/http.h"

/* Handler of the route table; loop thread. */
void get_report(void *api, struct http_request *request);

#endif

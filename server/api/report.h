/* GET …/report: a study as one HTML page; GET …/paper: for a paper. */
#ifndef SERVER_API_REPORT_H
#define SERVER_API_REPORT_H

#include "server/http/http.h"

/* Handlers of the route table; loop thread. */
void get_report(void *api, struct http_request *request);
void get_paper(void *api, struct http_request *request);

#endif

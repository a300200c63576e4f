/* The results of a study: best trial, Pareto front, trace of improvements. */
#ifndef SERVER_API_BEST_H
#define SERVER_API_BEST_H

#include "server/http/http.h"

/* Handlers of the route table; loop thread. */
void get_best(void *api, struct http_request *request);
void get_pareto(void *api, struct http_request *request);
void get_history(void *api, struct http_request *request);

#endif

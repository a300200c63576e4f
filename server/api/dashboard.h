/* The dashboard: its pages, which are one HTML file, and the files that it loads. All are open:
 * what the pages show they ask of /v1 with the user's token.
 *
 * A client that does not list text/html in Accept gets the cheat sheet at / and elsewhere the place
 * of the same thing in the API. */
#ifndef SERVER_API_DASHBOARD_H
#define SERVER_API_DASHBOARD_H

#include "server/http/http.h"

/* Handlers of the route table; loop thread. */
void get_page(void *api, struct http_request *request);
void get_asset(void *api, struct http_request *request);

/* Begins the answer to a request that no route matches, where a browser sent it and it is no
 * address for programs: the page with status 404, which says so and leads home, with a token or
 * without. False: it is another request, and nothing was done. */
bool dashboard_misses(const struct http_request *request, struct http_response *response);

#endif

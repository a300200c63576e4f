/* Leases: the requests of workers. encode_*: the answer of a command. */
#ifndef SERVER_API_LEASES_H
#define SERVER_API_LEASES_H

#include "server/engine/engine.h"
#include "server/http/http.h"

/* Handlers of the route table; loop thread. */
void post_lease(void *api, struct http_request *request);
void post_measurements(void *api, struct http_request *request);
void put_lease(void *api, struct http_request *request);
void put_result(void *api, struct http_request *request);
void delete_lease(void *api, struct http_request *request);

/* Each writes the whole response of a command that succeeded. Writer thread. */
void encode_lease(const struct command *command, struct http_response *response);
void encode_measured(const struct command *command, struct http_response *response);
void encode_renewed(const struct command *command, struct http_response *response);
void encode_result(const struct command *command, struct http_response *response);

#endif

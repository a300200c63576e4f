/* Studies: create, read, change, delete. encode_*: the answer of a command. */
#ifndef SERVER_API_STUDIES_H
#define SERVER_API_STUDIES_H

#include "server/engine/engine.h"
#include "server/http/http.h"

void post_study(void *api, struct http_request *request);
void get_studies(void *api, struct http_request *request);
void get_study(void *api, struct http_request *request);
void patch_study(void *api, struct http_request *request);
void delete_study(void *api, struct http_request *request);

void encode_study(const struct command *command, struct http_response *response);

#endif

/* Studies: create, read, change, delete. encode_*: the answer of a command;
 * render_*: the reply that is kept with its Idempotency-Key. */
#ifndef SERVER_API_STUDIES_H
#define SERVER_API_STUDIES_H

#include "server/engine/engine.h"
#include "server/http/http.h"

/* Handlers of the route table; loop thread. */
void post_study(void *api, struct http_request *request);
void get_studies(void *api, struct http_request *request);
void get_study(void *api, struct http_request *request);
void patch_study(void *api, struct http_request *request);
void delete_study(void *api, struct http_request *request);

/* encode_*: writes the whole response of a command that succeeded; render_*: the reply that is kept
 * with its Idempotency-Key. Writer thread. */
void encode_study_created(const struct command *command, struct http_response *response);
void encode_study_patched(const struct command *command, struct http_response *response);
void render_study_created(const struct command *command, int64_t *status, struct buf *text);
void render_study_patched(const struct command *command, int64_t *status, struct buf *text);

#endif

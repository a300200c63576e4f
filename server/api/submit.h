/* From a request to a command in the queue of the writer. Loop or reader thread. */
#ifndef SERVER_API_SUBMIT_H
#define SERVER_API_SUBMIT_H

#include "server/api/api.h"

/* A command with the request's principal, path parameters and Idempotency-Key; NULL: the request
 * was answered with a problem. */
struct command *command_for(struct http_request *request, enum command_kind kind);
/* Defers the request and queues the command; answers if that cannot be. Takes the command. */
void submit(struct api *api, struct command *command);

#endif

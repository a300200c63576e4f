/* From a request to a command in the queue of the writer. Loop or reader thread. */
#ifndef SERVER_API_SUBMIT_H
#define SERVER_API_SUBMIT_H

#include "server/api/api.h"

/* A command with the request's principal and Idempotency-Key; NULL: the request was answered with a
 * problem. */
struct command *command_for(struct http_request *request, enum command_kind kind);
/* All of these take the command. Answers with its error and faults. */
void refuse(struct command *command);
/* Queues the command, whose request was deferred already; refuses it if that cannot be. */
void submit_deferred(struct api *api, struct command *command);
/* Defers the request, and queues the command. */
void submit(struct api *api, struct command *command);
/* The same if `result` is 0: the command was read; refuses it otherwise. */
void submit_or_refuse(struct api *api, struct command *command, int result);

#endif

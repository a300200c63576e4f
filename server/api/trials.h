/* Trials: enqueue and import, read one, cancel, try again. encode_*: the answer of a command;
 * render_*: the reply that is kept with its Idempotency-Key. */
#ifndef SERVER_API_TRIALS_H
#define SERVER_API_TRIALS_H

#include "server/engine/engine.h"
#include "server/http/http.h"

/* Handlers of the route table; loop thread. */
void post_trials(void *api, struct http_request *request);
void get_trial(void *api, struct http_request *request);
void patch_trial(void *api, struct http_request *request);
void post_retry(void *api, struct http_request *request);

/* Each writes the whole response of a command that succeeded. Writer thread. */
void encode_trials_added(const struct command *command, struct http_response *response);
void encode_trial_cancelled(const struct command *command, struct http_response *response);
void encode_retried(const struct command *command, struct http_response *response);
void render_retried(const struct command *command, int64_t *status, struct buf *text);
void render_trials_added(const struct command *command, int64_t *status, struct buf *text);
void render_trial_cancelled(const struct command *command, int64_t *status, struct buf *text);

#endif

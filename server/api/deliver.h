/* From a command that is on disk to the answer of its request: the callbacks of the engine. The
 * writer thread alone calls them; the context is the api. */
#ifndef SERVER_API_DELIVER_H
#define SERVER_API_DELIVER_H

#include "server/api/api.h"
#include "server/store/tokens.h"

/* Answers the requests of these commands, and hands back a grant whose answer cannot be sent. Takes
 * the commands. */
void api_deliver(void *context, struct command *const commands[], size_t n);
/* The reply to keep with an Idempotency-Key; false: none is kept for this kind of command. */
bool api_render(const struct command *command, int64_t *status, struct buf *text);
/* These tokens are valid from now on. Without memory the former ones stay valid. */
void api_tokens(void *context, const struct token_row tokens[], size_t n);
/* Takes the newest uses of tokens that were not taken yet, at most `max`; returns how many. */
size_t api_token_uses(void *context, struct token_use uses[], size_t max);
/* Those that were taken are to be taken again. */
void api_token_uses_again(void *context);
/* Events are on disk up to this number; wakes those that follow them. */
void api_events(void *context, int64_t last_seq);

#endif

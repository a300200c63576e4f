/* The table of tokens, revoked and expired ones included. */
#ifndef SERVER_STATE_TOKENS_H
#define SERVER_STATE_TOKENS_H

#include "server/state/state.h"
#include "server/store/tokens.h"

/* NULL: unknown. */
struct live_token *token_find(const struct state *state, const char *id);
/* Whether it is neither revoked nor expired by now. */
bool token_is_usable(const struct state *state, const struct live_token *token);
/* ERR_NOMEM. */
MUST_USE int token_enter(struct state *state, const struct token_row *row, struct err *err);
/* Forgets all. */
void tokens_clear(struct state *state);
/* ERR_UNAUTHORIZED if this token may no longer be used; "" is always good (a server that is open).
 */
MUST_USE int token_check(const struct state *state, const char *id, struct err *err);
/* The monotonic moment at which the token expires; INT64_MAX: never. */
int64_t token_end_ms(const struct state *state, const char *id);
/* Is there a token with this scope bit, other than `except` (NULL: none left out)? `usable`: only
 * one that is neither revoked nor expired counts. */
bool token_exists(const struct state *state, unsigned scope, bool usable, const char *except);

#endif

#include "server/state/tokens.h"

#include <stdlib.h>
#include <string.h>

#include "common/digest.h"

bool token_is_usable(const struct state *state, const struct live_token *token)
{
    return !token->revoked && (token->expires_at_ms == 0 || token->expires_at_ms > state->wall_ms);
}

struct live_token *token_find(const struct state *state, const char *id)
{
    return map_get(&state->token_by_id, digest_text(id));
}

int token_enter(struct state *state, const struct token_row *row, struct err *err)
{
    struct live_token *token = calloc(1, sizeof *token);

    if (token == NULL || map_put(&state->token_by_id, digest_text(row->id), token, err) != 0) {
        free(token);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    memcpy(token->id, row->id, sizeof token->id);
    token->scopes = row->scopes;
    token->expires_at_ms = row->expires_at_ms;
    token->revoked = row->revoked_at_ms != 0;
    return 0;
}

void tokens_clear(struct state *state)
{
    struct live_token *token;
    size_t at = 0;

    while ((token = map_next(&state->token_by_id, &at)) != NULL) {
        free(token);
    }
    map_finish(&state->token_by_id);
}

int token_check(const struct state *state, const char *id, struct err *err)
{
    if (id[0] == '\0') { /* a server without tokens */
        return 0;
    }
    const struct live_token *token = token_find(state, id);
    if (token == NULL || !token_is_usable(state, token)) {
        return err_set(err, ERR_UNAUTHORIZED,
                       "the token of this request was revoked or has expired; use another one");
    }
    return 0;
}

int64_t token_end_ms(const struct state *state, const char *id)
{
    const struct live_token *token = id[0] == '\0' ? NULL : token_find(state, id);

    if (token == NULL || token->expires_at_ms == 0) {
        return INT64_MAX;
    }
    int64_t left_ms = token->expires_at_ms - state->wall_ms;
    return state->now_ms + (left_ms > 0 ? left_ms : 0);
}

bool token_exists(const struct state *state, unsigned scope, bool usable, const char *except)
{
    const struct live_token *token;
    size_t at = 0;

    while ((token = map_next(&state->token_by_id, &at)) != NULL) {
        if ((token->scopes & scope) != 0 && (!usable || token_is_usable(state, token))
            && (except == NULL || strcmp(token->id, except) != 0)) {
            return true;
        }
    }
    return false;
}

/* Tokens are made and revoked in the same transactions as everything else. The table of all tokens
 * is kept in memory, so that an ask which waits ends together with its token. */
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "server/tuning/live.h"

static bool is_usable(const struct tuning *tuning, const struct live_token *token)
{
    return !token->revoked && (token->expires_at_ms == 0 || token->expires_at_ms > tuning->wall_ms);
}

static struct live_token *find_token(const struct tuning *tuning, const char *id)
{
    return map_get(&tuning->token_by_id, digest_text(id));
}

int token_enter(struct tuning *tuning, const struct token_row *row, struct err *err)
{
    struct live_token *token = calloc(1, sizeof *token);

    if (token == NULL || map_put(&tuning->token_by_id, digest_text(row->id), token, err) != 0) {
        free(token);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    memcpy(token->id, row->id, sizeof token->id);
    token->scopes = row->scopes;
    token->expires_at_ms = row->expires_at_ms;
    token->revoked = row->revoked_at_ms != 0;
    return 0;
}

void tokens_clear(struct tuning *tuning)
{
    struct live_token *token;
    size_t at = 0;

    while ((token = map_next(&tuning->token_by_id, &at)) != NULL) {
        free(token);
    }
    map_finish(&tuning->token_by_id);
}

int token_check(const struct tuning *tuning, const char *id, struct err *err)
{
    if (id[0] == '\0') { /* a server without tokens */
        return 0;
    }
    const struct live_token *token = find_token(tuning, id);
    if (token == NULL || !is_usable(tuning, token)) {
        return err_set(err, ERR_UNAUTHORIZED,
                       "the token of this request was revoked or has expired; use another one");
    }
    return 0;
}

int64_t token_end_ms(const struct tuning *tuning, const char *id)
{
    const struct live_token *token = id[0] == '\0' ? NULL : find_token(tuning, id);

    if (token == NULL || token->expires_at_ms == 0) {
        return INT64_MAX;
    }
    int64_t left_ms = token->expires_at_ms - tuning->wall_ms;
    return tuning->now_ms + (left_ms > 0 ? left_ms : 0);
}

bool tuning_has_token(const struct tuning *tuning, unsigned scope, bool usable, const char *except)
{
    const struct live_token *token;
    size_t at = 0;

    while ((token = map_next(&tuning->token_by_id, &at)) != NULL) {
        if ((token->scopes & scope) != 0 && (!usable || is_usable(tuning, token))
            && (except == NULL || strcmp(token->id, except) != 0)) {
            return true;
        }
    }
    return false;
}

int tuning_add_token(struct tuning *tuning, struct token_row *row, struct err *err)
{
    row->created_at_ms = tuning->wall_ms;
    TRY(store_token_insert(tuning->store, row, err));
    return token_enter(tuning, row, err);
}

int tuning_token_create(struct tuning *tuning, struct command *command, struct err *err)
{
    TRY(tuning_add_token(tuning, &command->token, err));
    tuning->tokens_changed = true;
    return event_append(tuning, EVENT_TOKEN_CHANGED, 0, 0, 0, err);
}

/* Refuses to revoke the last usable token with one of the scopes that `command->token` names. */
static int check_not_last(const struct tuning *tuning, const struct command *command,
                          struct err *err)
{
    const struct live_token *token = find_token(tuning, command->token.id);
    unsigned needed = token == NULL ? 0 : token->scopes & command->token.scopes;

    if (needed == 0 || command->force || !is_usable(tuning, token)
        || tuning_has_token(tuning, needed, true, token->id)) {
        return 0;
    }
    return err_set(err, ERR_WRONG_STATE,
                   "this is the last valid token with the scope admin; make another one first, or "
                   "add ?force=true: then the server writes a new admin.token into its data "
                   "directory when it is started again");
}

int tuning_token_revoke(struct tuning *tuning, struct command *command, struct err *err)
{
    TRY(check_not_last(tuning, command, err));
    TRY(store_token_revoke(tuning->store, command->token.id, tuning->wall_ms, err));
    struct live_token *token = find_token(tuning, command->token.id);
    if (token != NULL) {
        token->revoked = true;
    }
    asks_end_without_token(tuning);
    tuning->tokens_changed = true;
    return event_append(tuning, EVENT_TOKEN_CHANGED, 0, 0, 0, err);
}

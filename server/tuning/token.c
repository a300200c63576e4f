/* Tokens are made and revoked in the same transactions as everything else. */
#include <assert.h>

#include "server/state/events.h"
#include "server/state/tokens.h"
#include "server/store/tokens.h"
#include "server/tuning/audit.h"
#include "server/tuning/internal.h"
#include "server/tuning/tuning.h"
#include "server/tuning/waiting.h"

static int add_token(struct tuning *tuning, struct token_row *row, struct err *err)
{
    row->created_at_ms = tuning->state.wall_ms;
    TRY(store_token_insert(tuning->state.store, row, err));
    return token_enter(&tuning->state, row, err);
}

int tuning_add_token(struct tuning *tuning, struct token_row *row, struct err *err)
{
    TRY(add_token(tuning, row, err));
    return audit_own_token(tuning, row, err);
}

int tuning_token_create(struct tuning *tuning, struct token_create_command *command,
                        struct err *err)
{
    command->out.token = command->in.token;
    TRY(add_token(tuning, &command->out.token, err));
    tuning->state.tokens_changed = true;
    return event_append(&tuning->state, EVENT_TOKEN_CHANGED, 0, 0, 0, err);
}

/* Refuses to revoke the last usable token with one of the scopes that the command names. */
static int check_not_last(const struct tuning *tuning, const struct token_revoke_command *command,
                          struct err *err)
{
    const struct live_token *token = token_find(&tuning->state, command->in.token);
    unsigned needed = token == NULL ? 0 : token->scopes & command->in.scopes;

    if (needed == 0 || command->in.force || !token_is_usable(&tuning->state, token)
        || token_exists(&tuning->state, needed, true, token->id)) {
        return 0;
    }
    return err_set(err, ERR_WRONG_STATE,
                   "this is the last valid token with the scope admin; make another one first, or "
                   "revoke it with force (?force=true, hone token revoke --force): then the server "
                   "writes a new admin.token into its data directory at its next start");
}

int tuning_token_revoke(struct tuning *tuning, struct token_revoke_command *command,
                        struct err *err)
{
    TRY(check_not_last(tuning, command, err));
    TRY(store_token_revoke(tuning->state.store, command->in.token, tuning->state.wall_ms, err));
    struct live_token *token = token_find(&tuning->state, command->in.token);
    assert(token != NULL); /* the store has it */
    token->revoked = true;
    asks_end_without_token(tuning);
    tuning->state.tokens_changed = true;
    return event_append(&tuning->state, EVENT_TOKEN_CHANGED, 0, 0, 0, err);
}

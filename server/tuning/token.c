/* Tokens are made and revoked in the same transactions as everything else. */
#include "server/tuning/live.h"

int tuning_token_create(struct tuning *tuning, struct command *command, struct err *err)
{
    command->token.created_at_ms = tuning->wall_ms;
    TRY(store_token_insert(tuning->store, &command->token, err));
    tuning->tokens_changed = true;
    return event_append(tuning, EVENT_TOKEN_CHANGED, 0, 0, 0, err);
}

int tuning_token_revoke(struct tuning *tuning, struct command *command, struct err *err)
{
    TRY(store_token_revoke(tuning->store, command->token.id, tuning->wall_ms, err));
    tuning->tokens_changed = true;
    return event_append(tuning, EVENT_TOKEN_CHANGED, 0, 0, 0, err);
}

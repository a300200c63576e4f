/* Who changed what, in the same transaction as the change. Writer thread. */
#ifndef SERVER_TUNING_AUDIT_H
#define SERVER_TUNING_AUDIT_H

#include "server/store/tokens.h"
#include "server/tuning/internal.h"

/* After a command was carried out: notes it, if it has changed something on behalf of a person.
 * What workers say is noted as events, not here. */
MUST_USE int audit_command(struct tuning *tuning, const struct command *command, struct err *err);
/* Notes that the server itself has made a token. */
MUST_USE int audit_own_token(struct tuning *tuning, const struct token_row *token, struct err *err);

#endif

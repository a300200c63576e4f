#include "server/tuning/waiting.h"

#include <stdlib.h>

#include "server/state/tokens.h"

void ask_answer(struct tuning *tuning, struct ask *ask)
{
    struct command *command = &ask->command->head;

    if (ask->link != NULL) {
        *ask->link = ask->next;
        if (ask->next != NULL) {
            ask->next->link = ask->link;
        } else {
            tuning->asks_tail = ask->link;
        }
        tuning->n_asks--;
        if (ask->worker != NULL) {
            ask->worker->waiting--;
        }
    }
    heap_remove(&tuning->ask_deadlines, &ask->deadline);
    command->waits = false;
    free(ask);
    command_done(tuning, command);
}

int ask_set_due(struct tuning *tuning, struct ask *ask, int64_t due_ms, struct err *err)
{
    int64_t token_ms = token_end_ms(&tuning->state, ask->command->head.principal);
    int64_t at_ms = token_ms < due_ms ? token_ms : due_ms;

    ask->due_ms = due_ms;
    if (at_ms == INT64_MAX) {
        heap_remove(&tuning->ask_deadlines, &ask->deadline);
        return 0;
    }
    return heap_set(&tuning->ask_deadlines, &ask->deadline, at_ms, err);
}

/* Answers the ask with 401 if its token may no longer be used; true: it is gone. */
bool ask_end_without_token(struct tuning *tuning, struct ask *ask)
{
    if (token_check(&tuning->state, ask->command->head.principal, &ask->command->head.err) == 0) {
        return false;
    }
    ask_answer(tuning, ask);
    return true;
}

void asks_end_without_token(struct tuning *tuning)
{
    struct ask *next;

    for (struct ask *ask = tuning->asks; ask != NULL; ask = next) {
        next = ask->next;
        if (ask_end_without_token(tuning, ask) && tuning->new_asks == ask) {
            tuning->new_asks = next;
        }
    }
}

#include "server/tuning/waiting.h"

#include <stdlib.h>
#include <string.h>

#include "common/integer.h"
#include "server/state/tokens.h"
#include "server/tuning/ask_queue.h"

/* The table holds one ask for each beginning; two ids that share one are as good as never met, and
 * then the older one is only not replaced. */
static uint64_t request_key(const unsigned char request[16])
{
    uint64_t key;

    memcpy(&key, request, sizeof key);
    return key;
}

struct ask *ask_of_request(const struct tuning *tuning, const unsigned char request[16])
{
    struct ask *ask = map_get(&tuning->ask_by_request, request_key(request));

    return ask != NULL && memcmp(ask->request, request, sizeof ask->request) == 0 ? ask : NULL;
}

static void forget_request(struct tuning *tuning, const struct ask *ask)
{
    if (ask->has_request && ask_of_request(tuning, ask->request) == ask) {
        (void)map_take(&tuning->ask_by_request, request_key(ask->request));
    }
}

int ask_park(struct tuning *tuning, struct ask *ask, struct err *err)
{
    ask->asked_ms = tuning->state.now_ms;
    ask->wait_ms = integer_from_real(ask->command->in.ask.wait_seconds * 1000);
    TRY(ask_queue_enter(tuning, ask, err));
    if ((ask->has_request
         && map_put(&tuning->ask_by_request, request_key(ask->request), ask, err) != 0)
        || ask_set_due(tuning, ask, ask->asked_ms + ask->wait_ms, err) != 0) {
        forget_request(tuning, ask);
        ask_queue_leave(ask);
        return -1;
    }
    ask->arrival = ++tuning->arrivals;
    ask->link = tuning->asks_tail;
    *tuning->asks_tail = ask;
    tuning->asks_tail = &ask->next;
    tuning->n_asks++;
    ask->worker->waiting++;
    return 0;
}

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
        forget_request(tuning, ask);
        ask_queue_leave(ask);
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

#include "server/tuning/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/integer.h"
#include "server/state/leases.h"
#include "server/state/node_health.h"
#include "server/state/requests.h"
#include "server/state/tokens.h"
#include "server/state/transition.h"
#include "server/state/workers.h"
#include "server/tuning/ask_queue.h"
#include "server/tuning/claim.h"
#include "server/tuning/fits.h"
#include "server/tuning/grant.h"
#include "server/tuning/match.h"
#include "server/tuning/waiting.h"

static void request_hash(const struct ask_command *command, unsigned char hash[DIGEST_KEY_BYTES])
{
    char text[sizeof command->head.principal + WORKER_NAME_BYTES + REQUEST_ID_BYTES + 8];
    int len = snprintf(text, sizeof text, "%s\n%s\n%s", command->head.principal,
                       command->in.ask.worker, command->in.ask.request_id);

    digest_key(text, (size_t)len, hash);
}

/* A request id that was answered before. *answered: the command has its answer or its error. */
static int repeat_ask(struct tuning *tuning, struct ask *ask, bool *answered, struct err *err)
{
    struct ask_command *command = ask->command;
    struct cached_request *cached = request_find(&tuning->state, ask->request);

    *answered = false;
    if (cached == NULL) {
        return 0;
    }
    struct live_lease *lease =
        map_get(&tuning->state.lease_by_attempt, (uint64_t)cached->attempt_id);
    if (lease != NULL && !lease->aborted) {
        *answered = true;
        TRY(lease_revive(&tuning->state, lease, err));
        TRY(lease_renew(&tuning->state, lease, err));
        return grant_answer(tuning, lease, command, err);
    }
    if (cached->ended_ms == 0) {
        cached->ended_ms = tuning->state.now_ms;
    }
    if (tuning->state.now_ms - cached->ended_ms < REQUEST_KEPT_MS) {
        *answered = true;
        return err_set(err, ERR_LEASE_ENDED,
                       "the lease that this request_id was given is over; ask with a new "
                       "request_id");
    }
    return 0;
}

static void replace_waiting(struct tuning *tuning, const struct ask *newer)
{
    struct ask *ask = ask_of_request(tuning, newer->request);

    if (ask != NULL) {
        struct no_lease *no = &ask->command->out.no_lease;
        *no = (struct no_lease){.reason = NO_LEASE_WAITING, .retry_after_seconds = 1};
        (void)snprintf(no->detail, sizeof no->detail,
                       "a newer ask with the same request_id waits in its place");
        ask_answer(tuning, ask);
    }
}

/* Answered at once, or parked behind those who came before; asks_dispatch() does the rest. */
static int ask_enter(struct tuning *tuning, struct ask *ask, struct err *err)
{
    bool answered = false;

    TRY(token_check(&tuning->state, ask->command->head.principal, err));
    TRY(worker_seen(&tuning->state, &ask->command->in.ask, &ask->worker, err));
    if (ask->has_request) {
        TRY(repeat_ask(tuning, ask, &answered, err));
        if (answered) {
            ask_answer(tuning, ask);
            return 0;
        }
        replace_waiting(tuning, ask);
    }
    if (tuning->stopping) {
        return err_set(err, ERR_OVERLOADED, "the server is stopping; ask again in a moment");
    }
    TRY(ask_park(tuning, ask, err));
    if (tuning->new_asks == NULL) {
        tuning->new_asks = ask;
    }
    return 0;
}

int tuning_ask(struct tuning *tuning, struct ask_command *command, struct err *err)
{
    struct ask *ask = calloc(1, sizeof *ask);

    if (ask == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    ask->command = command;
    heap_node_init(&ask->deadline, ask);
    if (command->in.ask.request_id[0] != '\0') {
        ask->has_request = true;
        request_hash(command, ask->request);
    }
    command->head.waits = true;
    if (ask_enter(tuning, ask, err) != 0) {
        heap_remove(&tuning->ask_deadlines, &ask->deadline);
        command->head.waits = false;
        free(ask);
        return -1;
    }
    return 0;
}

static void explain(struct tuning *tuning, struct ask *ask)
{
    struct ask_command *command = ask->command;
    struct no_lease *no = &command->out.no_lease;

    ask_explain(tuning, &command->in.ask, command->in.study, no);
    ask_explain_time(tuning, ask, no);
    node_explain(&tuning->state, ask->worker->node, no);
}

static int dispatch_one(struct tuning *tuning, struct ask *ask, struct err *err)
{
    struct ask_command *command = ask->command;
    bool served = false;

    if (ask_end_without_token(tuning, ask)) {
        return 0;
    }
    ask->awaits_suggestion = false;
    TRY(ask_serve(tuning, ask, &served, err));
    if (served || ask->gone) {
        ask_answer(tuning, ask);
    } else if (ask->awaits_suggestion) {
        return 0; /* time to think never counts as waiting */
    } else if (command->in.ask.wait_seconds <= 0 || ask_is_hopeless(tuning, command)
               || ask_is_out_of_time(ask) || node_state(ask->worker->node) == NODE_DRAINING) {
        explain(tuning, ask);
        ask_answer(tuning, ask);
    }
    return 0;
}

static int serve_waiting(struct tuning *tuning, struct err *err)
{
    bool all = tuning->state.studies_moved;
    bool some = tuning->state.may_have_work;
    struct ask *ask = all ? tuning->asks : tuning->new_asks;
    uint64_t fresh = tuning->new_asks == NULL ? UINT64_MAX : tuning->new_asks->arrival;
    struct hopeful_asks hopeful;
    struct ask *next;

    tuning->state.may_have_work = false;
    tuning->state.studies_moved = false;
    tuning->new_asks = NULL;
    tuning->dispatches++;
    if (some && !all) { /* those who wait may go on waiting … */
        asks_hope(tuning, &hopeful);
        while ((next = asks_next(tuning, &hopeful, fresh)) != NULL) {
            TRY(dispatch_one(tuning, next, err));
        }
    }
    for (; ask != NULL; ask = next) { /* … and those who just came want an answer */
        next = ask->next;
        TRY(dispatch_one(tuning, ask, err));
    }
    return 0;
}

static int answer_overdue(struct tuning *tuning, struct err *err)
{
    struct heap_node *top;

    while ((top = heap_top(&tuning->ask_deadlines)) != NULL && top->at_ms <= tuning->state.now_ms) {
        struct ask *ask = top->owner;
        if (ask_end_without_token(tuning, ask)) {
            continue;
        }
        if (ask->due_ms
            > tuning->state.now_ms) { /* its token was to end now, by a clock set back since */
            TRY(ask_set_due(tuning, ask, ask->due_ms, err));
            continue;
        }
        if (ask->suggestion_timed && !ask->takes_fallback) {
            ask->takes_fallback = true;
            TRY(ask_set_due(tuning, ask, ask->asked_ms + ask->wait_ms, err));
            tuning->dispatches++;
            TRY(dispatch_one(tuning, ask, err));
            continue;
        }
        explain(tuning, ask);
        ask_answer(tuning, ask);
    }
    return 0;
}

void asks_forget_jobs(struct tuning *tuning)
{
    for (struct ask *ask = tuning->asks; ask != NULL; ask = ask->next) {
        ask->has_job = false;
        ask->awaits_suggestion = false;
    }
}

int asks_dispatch(struct tuning *tuning, struct err *err)
{
    if (tuning->new_asks != NULL || tuning->state.may_have_work || tuning->state.studies_moved) {
        TRY(serve_waiting(tuning, err));
    }
    return answer_overdue(tuning, err);
}

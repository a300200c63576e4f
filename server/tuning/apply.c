#include "server/tuning/tuning.h"

#include <stdlib.h>
#include <string.h>

#include "common/planted.h"
#include "server/state/lifecycle.h"
#include "server/state/tokens.h"
#include "server/state/view.h"
#include "server/tuning/ask.h"
#include "server/tuning/ask_queue.h"
#include "server/tuning/audit.h"
#include "server/tuning/forecasts.h"
#include "server/tuning/internal.h"
#include "server/tuning/reply.h"
#include "server/tuning/take_back.h"
#include "server/tuning/waiting.h"

/* ---- the whole ---- */

int tuning_create(const struct tuning_settings *settings, struct store *store,
                  struct tuning **tuning, struct err *err)
{
    struct tuning *created = calloc(1, sizeof *created);

    if (created == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    state_init(&created->state, store);
    created->settings = *settings;
    created->asks_tail = &created->asks;
    created->parked_tail = &created->parked;
    created->done_tail = &created->done;
    if (tuning_load(created, err) != 0) {
        tuning_destroy(created);
        return -1;
    }
    *tuning = created;
    return 0;
}

void tuning_destroy(struct tuning *tuning)
{
    struct command *command;

    if (tuning == NULL) {
        return;
    }
    while (tuning->asks != NULL) {
        ask_answer(tuning, tuning->asks);
    }
    reports_answer(tuning, true);
    while ((command = tuning_take_done(tuning)) != NULL) {
        command_destroy(command);
    }
    state_finish(&tuning->state);
    ask_queues_finish(tuning);
    map_finish(&tuning->ask_by_request);
    heap_finish(&tuning->ask_deadlines);
    heap_finish(&tuning->forecast_deadlines);
    free(tuning);
}

/* ---- one command ---- */

static bool is_fatal(const struct err *err)
{
    return err->code == ERR_STORAGE_FULL || err->code == ERR_IO || err->code == ERR_NOMEM
           || err->code == ERR_OVERLOADED;
}

static int use_case(struct tuning *tuning, struct command *command, struct err *err)
{
    switch (command->kind) {
    case COMMAND_STUDY_CREATE:
        return tuning_study_create(tuning, as_study_create(command), err);
    case COMMAND_STUDY_PATCH:
        return tuning_study_patch(tuning, as_study_patch(command), err);
    case COMMAND_STUDY_DELETE:
        return tuning_study_delete(tuning, as_study_delete(command), err);
    case COMMAND_TRIALS_ADD:
        return tuning_trials_add(tuning, as_trials_add(command), err);
    case COMMAND_TRIAL_CANCEL:
        return tuning_trial_cancel(tuning, as_trial_cancel(command), err);
    case COMMAND_TRIALS_RETRY:
        return tuning_trials_retry(tuning, as_trials_retry(command), err);
    case COMMAND_ASK:
        return tuning_ask(tuning, as_ask(command), err);
    case COMMAND_MEASURE:
        return tuning_measure(tuning, as_measure(command), err);
    case COMMAND_HEARTBEAT:
        return tuning_heartbeat(tuning, as_heartbeat(command), err);
    case COMMAND_RESULT:
        return tuning_result(tuning, as_result(command), err);
    case COMMAND_RELEASE:
        return tuning_release(tuning, as_release(command), err);
    case COMMAND_SUGGESTION:
        return tuning_suggestion(tuning, as_suggestion(command), err);
    case COMMAND_UNSENT:
        return tuning_unsent(tuning, as_unsent(command), err);
    case COMMAND_TOKEN_CREATE:
        return tuning_token_create(tuning, as_token_create(command), err);
    case COMMAND_TOKEN_REVOKE:
        return tuning_token_revoke(tuning, as_token_revoke(command), err);
    case COMMAND_WORKER_SET:
        return tuning_worker_set(tuning, as_worker_set(command), err);
    case COMMAND_BACKUP:
        return 0; /* its row of the audit is all of it */
    case COMMAND_KIND_COUNT:
    default:
        return err_set(err, ERR_INVALID, "there is no such command");
    }
}

static int run(struct tuning *tuning, struct command *command, struct err *err)
{
    bool answered;

    TRY(reply_find(tuning, command, &answered, err));
    if (answered) {
        return 0;
    }
    TRY(use_case(tuning, command, err));
    TRY(audit_command(tuning, command, err));
    return reply_keep(tuning, command, err);
}

int tuning_apply(struct tuning *tuning, struct command *command, struct err *err)
{
    struct err refused = {0};

    tuning_read_clock(tuning);
    tuning->groups += tuning->is_settled;
    tuning->is_settled = false;
    store_savepoint(tuning->state.store);
    if (run(tuning, command, &refused) != 0) {
        command->err = refused;
        if (is_fatal(&refused) && !(refused.code == ERR_OVERLOADED && tuning->stopping)) {
            command_done(tuning, command);
            *err = refused;
            return -1;
        }
        int undone = command->keeps_writes ? store_release(tuning->state.store, err)
                                           : store_undo(tuning->state.store, err);
        command_done(tuning, command);
        return undone;
    }
    if (!command->waits && !command->answered) {
        command_done(tuning, command); /* an ask may wait, or be served; a report may wait */
    }
    TRY(failures_take_back(tuning, err));
    reports_answer(tuning, false);
    /* At once, not once a group: what is handed out depends on the order of commands alone. */
    TRY(asks_dispatch(tuning, err));
    return store_release(tuning->state.store, err);
}

/* ---- answers ---- */

void tuning_refuse(struct tuning *tuning, struct command *command, const struct err *why)
{
    command->err = *why;
    command_done(tuning, command);
}

void tuning_fail_group(struct tuning *tuning, const struct err *why)
{
    for (struct command *command = tuning->done; command != NULL; command = command->next) {
        command_drop_outputs(command);
        command->err = *why;
    }
    /* An ask that waits all the same may have been granted what was undone since. */
    for (struct ask *ask = tuning->asks; ask != NULL; ask = ask->next) {
        command_drop_outputs(&ask->command->head);
    }
    reports_fail_group(tuning, why);
}

struct command *tuning_take_done(struct tuning *tuning)
{
    struct command *command = tuning->done;

    if (command != NULL) {
        tuning->done = command->next;
        if (tuning->done == NULL) {
            tuning->done_tail = &tuning->done;
        }
        command->next = NULL;
        command->server_seq =
            PLANTED(SEQ_FROM_START) ? (int64_t)tuning->groups : tuning->state.last_seq;
    }
    return command;
}

struct suggestion_job *tuning_take_job(struct tuning *tuning)
{
    return job_queue_take(&tuning->state.jobs);
}

int tuning_view(struct tuning *tuning, struct live_view **view, struct err *err)
{
    return state_view(&tuning->state, tuning->n_asks, view, err);
}

bool tuning_has_token(const struct tuning *tuning, unsigned scope, bool usable)
{
    return token_exists(&tuning->state, scope, usable, NULL);
}

/* ---- time ---- */

static int64_t earliest(const struct heap *heap, int64_t than)
{
    const struct heap_node *top = heap_top(heap);

    return top != NULL && top->at_ms < than ? top->at_ms : than;
}

int64_t tuning_next_ms(const struct tuning *tuning)
{
    int64_t next = earliest(&tuning->state.lease_deadlines, INT64_MAX);

    next = earliest(&tuning->ask_deadlines, next);
    next = earliest(&tuning->forecast_deadlines, next);
    next = earliest(&tuning->state.study_clocks, next);
    bool looks_again = tuning->n_asks > 0 && tuning->state.may_have_work;
    return looks_again && tuning->look_again_ms < next ? tuning->look_again_ms : next;
}

void tuning_forgive(struct tuning *tuning, int64_t stalled_ms)
{
    for (size_t i = 0; i < tuning->state.lease_deadlines.n; i++) {
        tuning->state.lease_deadlines.nodes[i]->at_ms +=
            stalled_ms; /* all alike: the order stands */
    }
}

void tuning_refuse_waiting(struct tuning *tuning, const struct err *why)
{
    tuning->new_asks = NULL;
    while (tuning->asks != NULL) {
        struct ask *ask = tuning->asks;
        ask->command->head.err = *why;
        ask_answer(tuning, ask);
    }
    reports_answer(tuning, true);
}

void tuning_stop_granting(struct tuning *tuning)
{
    struct err why;

    (void)err_set(&why, ERR_OVERLOADED, "the server is stopping; ask again in a moment");
    tuning->stopping = true;
    tuning_refuse_waiting(tuning, &why);
}

int64_t tuning_last_seq(const struct tuning *tuning)
{
    return tuning->state.last_seq;
}

bool tuning_tokens_changed(struct tuning *tuning)
{
    bool changed = tuning->state.tokens_changed;

    tuning->state.tokens_changed = false;
    return changed;
}

bool tuning_studies_changed(struct tuning *tuning)
{
    bool changed = tuning->state.studies_changed;

    tuning->state.studies_changed = false;
    return changed;
}

uint64_t tuning_take_expired(struct tuning *tuning)
{
    uint64_t n = tuning->state.n_expired;

    tuning->state.n_expired = 0;
    return n;
}

bool tuning_is_idle(const struct tuning *tuning)
{
    return tuning->state.n_live_leases == 0 && tuning->n_asks == 0;
}

/* One group: apply each command, then settle. */
#include <stdlib.h>
#include <string.h>

#include "server/tuning/live.h"

static int (*const use_cases[COMMAND_KIND_COUNT])(struct tuning *tuning, struct command *command,
                                                  struct err *err) = {
    [COMMAND_STUDY_CREATE] = tuning_study_create,
    [COMMAND_STUDY_PATCH] = tuning_study_patch,
    [COMMAND_STUDY_DELETE] = tuning_study_delete,
    [COMMAND_TRIALS_ADD] = tuning_trials_add,
    [COMMAND_TRIAL_CANCEL] = tuning_trial_cancel,
    [COMMAND_ASK] = tuning_ask,
    [COMMAND_MEASURE] = tuning_measure,
    [COMMAND_HEARTBEAT] = tuning_heartbeat,
    [COMMAND_RESULT] = tuning_result,
    [COMMAND_RELEASE] = tuning_release,
    [COMMAND_THOUGHT] = tuning_thought,
    [COMMAND_UNSENT] = tuning_unsent,
    [COMMAND_TOKEN_CREATE] = tuning_token_create,
    [COMMAND_TOKEN_REVOKE] = tuning_token_revoke,
};

static void read_clock(struct tuning *tuning)
{
    const struct clock *clock = tuning->settings.clock;

    tuning->now_ms = clock->monotonic_ms(clock);
    tuning->wall_ms = clock->wall_ms(clock);
}

static bool is_fatal(const struct err *err)
{
    return err->code == ERR_STORAGE_FULL || err->code == ERR_IO || err->code == ERR_NOMEM
           || err->code == ERR_OVERLOADED;
}

/* ---- Idempotency-Key ---- */

#define REPLY_KEPT_MS (24 * 60 * 60 * 1000)

/* *answered: the key was used before. */
static int find_reply(struct tuning *tuning, struct command *command, bool *answered,
                      struct err *err)
{
    struct reply_row row = {0};

    *answered = false;
    if (!command->has_key) {
        return 0;
    }
    TRY(store_reply_find(tuning->store, command->key, &row, answered, err));
    if (*answered && memcmp(row.body, command->body_hash, sizeof row.body) != 0) {
        free(row.text);
        return err_set(err, ERR_KEY_REUSED,
                       "this Idempotency-Key came with another body before; use a new key for a "
                       "new request");
    }
    command->is_replay = *answered;
    command->replay_status = row.status;
    command->replay_text = row.text;
    return 0;
}

static int keep_reply(struct tuning *tuning, struct command *command, struct err *err)
{
    struct reply_row row = {.at_ms = tuning->wall_ms};
    OWN(buf) struct buf text = {0};

    if (!command->has_key || command->render == NULL) {
        return 0;
    }
    buf_init(&text, 16 << 20);
    command->render(command, &row.status, &text);
    memcpy(row.key, command->key, sizeof row.key);
    memcpy(row.body, command->body_hash, sizeof row.body);
    row.text = text.data == NULL ? NULL : text.data;
    static char empty[1];
    if (row.text == NULL) {
        row.text = empty;
    }
    return store_reply_insert(tuning->store, &row, err);
}

static int run(struct tuning *tuning, struct command *command, struct err *err)
{
    bool answered;

    TRY(find_reply(tuning, command, &answered, err));
    if (answered) {
        return 0;
    }
    TRY(use_cases[command->kind](tuning, command, err));
    return keep_reply(tuning, command, err);
}

int tuning_apply(struct tuning *tuning, struct command *command, struct err *err)
{
    struct err refused = {0};

    read_clock(tuning);
    tuning->groups += tuning->is_settled;
    tuning->is_settled = false;
    TRY(store_savepoint(tuning->store, err));
    if (run(tuning, command, &refused) != 0) {
        command->err = refused;
        if (is_fatal(&refused) && !(refused.code == ERR_OVERLOADED && tuning->stopping)) {
            command_done(tuning, command);
            *err = refused;
            return -1;
        }
        int undone = command->keeps_writes ? store_release(tuning->store, err)
                                           : store_undo(tuning->store, err);
        command_done(tuning, command);
        return undone;
    }
    if (command->waiting == NULL && !command->is_parked && !command->answered) {
        command_done(tuning, command); /* an ask may wait, or be served; a report may wait */
    }
    reports_answer(tuning, false);
    /* At once, not once a group: what is handed out depends on the order of commands alone. */
    TRY(asks_dispatch(tuning, err));
    return store_release(tuning->store, err);
}

/* ---- settling ---- */

static int ring_clocks(struct tuning *tuning, struct err *err)
{
    struct heap_node *top;

    while ((top = heap_top(&tuning->study_clocks)) != NULL && top->at_ms <= tuning->now_ms) {
        struct live_study *study = top->owner;
        heap_remove(&tuning->study_clocks, &study->clock);
        study->dirty = true;
        TRY(study_drop_stragglers(tuning, study, err));
        TRY(study_set_clock(tuning, study, err));
        if (study->clock.place != HEAP_NOWHERE && study->clock.at_ms <= tuning->now_ms) {
            heap_remove(&tuning->study_clocks, &study->clock); /* its time is over */
        }
    }
    return 0;
}

/* Studies in which something moved: no more configurations to come? over? */
static int settle_studies(struct tuning *tuning, struct err *err)
{
    for (struct live_study *study = tuning->studies; study != NULL; study = study->next) {
        if (!study->dirty || study->row.state != STUDY_RUNNING) {
            continue;
        }
        TRY(study_drop_stragglers(tuning, study, err));
        if (study->row.leased_trials > 0 && !study->sealed && study_may_go_on(tuning, study)
            && !study_may_start(tuning, study)) {
            TRY(study_seal(tuning, study, err));
        }
        TRY(study_settle(tuning, study, err));
    }
    return 0;
}

static int flush_studies(struct tuning *tuning, struct err *err)
{
    for (struct live_study *study = tuning->studies; study != NULL; study = study->next) {
        if (study->dirty) {
            TRY(store_study_update(tuning->store, &study->row, study->redefine, err));
            study->dirty = false;
            study->redefine = false;
        }
    }
    return 0;
}

#define PURGE_EVERY_MS (60 * 1000)
#define PURGE_AFTER_MS (INT64_C(7) * 24 * 60 * 60 * 1000)
#define MEMO_KEPT_MS (10 * 60 * 1000)

static void purge_memos(struct tuning *tuning)
{
    size_t at = 0;
    struct memo *memo;

    while ((memo = map_next(&tuning->memo_by_request, &at)) != NULL) {
        uint64_t key;
        memcpy(&key, memo->request, sizeof key);
        if (memo->ended_ms != 0 && tuning->now_ms - memo->ended_ms > MEMO_KEPT_MS) {
            (void)map_take(&tuning->memo_by_request, key);
            free(memo);
            at = at > 0 ? at - 1 : 0; /* the slot may have been filled from behind */
        }
    }
}

/* Housekeeping in small steps, only when the group writes anyway or much time has passed. */
static int purge(struct tuning *tuning, struct err *err)
{
    bool more = false;

    if (tuning->now_ms < tuning->purge_ms) {
        return 0;
    }
    purge_memos(tuning);
    TRY(store_purge_deleted(tuning->store, tuning->wall_ms - PURGE_AFTER_MS, 1000, &more, err));
    if (store_group_is_dirty(tuning->store)) {
        TRY(store_reply_purge(tuning->store, tuning->wall_ms - REPLY_KEPT_MS, err));
    }
    TRY(discards_purge(tuning, tuning->wall_ms - PURGE_AFTER_MS, err));
    tuning->purge_ms = tuning->now_ms + (more ? 1000 : PURGE_EVERY_MS);
    return 0;
}

int tuning_settle(struct tuning *tuning, struct err *err)
{
    read_clock(tuning);
    tuning->groups += tuning->is_settled;
    tuning->is_settled = true;
    TRY(tuning_expire(tuning, err));
    TRY(ring_clocks(tuning, err));
    TRY(settle_studies(tuning, err));
    do {
        TRY(asks_dispatch(tuning, err));
        TRY(settle_studies(tuning, err));
    } while ((tuning->may_have_work || tuning->studies_moved) && tuning->n_asks > 0);
    for (struct live_study *study = tuning->studies; study != NULL; study = study->next) {
        TRY(study_prepare(tuning, study, err));
    }
    reports_answer(tuning, false);
    TRY(purge(tuning, err));
    return flush_studies(tuning, err);
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
        command->server_seq = tuning->last_seq;
    }
    return command;
}

struct thought *tuning_take_thought(struct tuning *tuning)
{
    struct thought *thought = tuning->outgoing;

    if (thought != NULL) {
        tuning->outgoing = thought->next;
        if (tuning->outgoing == NULL) {
            tuning->outgoing_tail = &tuning->outgoing;
        }
        thought->next = NULL;
    }
    return thought;
}

/* ---- time ---- */

static int64_t earliest(const struct heap *heap, int64_t than)
{
    const struct heap_node *top = heap_top(heap);

    return top != NULL && top->at_ms < than ? top->at_ms : than;
}

int64_t tuning_next_ms(const struct tuning *tuning)
{
    int64_t next = earliest(&tuning->deadlines, INT64_MAX);

    next = earliest(&tuning->ask_deadlines, next);
    next = earliest(&tuning->word_deadlines, next);
    return earliest(&tuning->study_clocks, next);
}

void tuning_forgive(struct tuning *tuning, int64_t stalled_ms)
{
    for (size_t i = 0; i < tuning->deadlines.n; i++) {
        tuning->deadlines.nodes[i]->at_ms += stalled_ms; /* all alike: the order stands */
    }
}

void tuning_stop_granting(struct tuning *tuning)
{
    tuning->stopping = true;
    tuning->fresh = NULL;
    while (tuning->asks != NULL) {
        struct ask *ask = tuning->asks;
        (void)err_set(&ask->command->err, ERR_OVERLOADED,
                      "the server is stopping; ask again in a moment");
        ask_answer(tuning, ask);
    }
    reports_answer(tuning, true);
}

int64_t tuning_last_seq(const struct tuning *tuning)
{
    return tuning->last_seq;
}

bool tuning_tokens_changed(struct tuning *tuning)
{
    bool changed = tuning->tokens_changed;

    tuning->tokens_changed = false;
    return changed;
}

bool tuning_studies_changed(struct tuning *tuning)
{
    bool changed = tuning->studies_changed;

    tuning->studies_changed = false;
    return changed;
}

bool tuning_is_idle(const struct tuning *tuning)
{
    return tuning->n_live_leases == 0 && tuning->n_asks == 0;
}

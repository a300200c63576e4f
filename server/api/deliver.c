#include "server/api/deliver.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/backups.h"
#include "server/api/events.h"
#include "server/api/json.h"
#include "server/api/keep_files.h"
#include "server/api/leases.h"
#include "server/api/problem.h"
#include "server/api/studies.h"
#include "server/api/tokens.h"
#include "server/api/trials.h"
#include "server/api/wait.h"
#include "server/api/workers.h"

static void encode_nothing(const struct command *command, struct http_response *response)
{
    (void)command;
    http_response_init(response, 204, NULL);
}

static void render_nothing(const struct command *command, int64_t *status, struct buf *text)
{
    (void)command;
    (void)text;
    *status = 204;
}

/* The answer to a request, and the reply that is kept with its Idempotency-Key (NULL: none). */
static const struct {
    void (*encode)(const struct command *command, struct http_response *response);
    void (*render)(const struct command *command, int64_t *status, struct buf *text);
} replies[COMMAND_KIND_COUNT] = {
    [COMMAND_STUDY_CREATE] = {encode_study_created, render_study_created},
    [COMMAND_STUDY_PATCH] = {encode_study_patched, render_study_patched},
    [COMMAND_STUDY_DELETE] = {encode_nothing, render_nothing},
    [COMMAND_TRIALS_ADD] = {encode_trials_added, render_trials_added},
    [COMMAND_TRIAL_CANCEL] = {encode_trial_cancelled, render_trial_cancelled},
    [COMMAND_TRIALS_RETRY] = {encode_retried, render_retried},
    [COMMAND_ASK] = {encode_lease, NULL},
    [COMMAND_MEASURE] = {encode_measured, NULL},
    [COMMAND_HEARTBEAT] = {encode_renewed, NULL},
    [COMMAND_RESULT] = {encode_result, NULL},
    [COMMAND_RELEASE] = {encode_nothing, NULL},
    [COMMAND_TOKEN_CREATE] = {encode_token, NULL},
    [COMMAND_TOKEN_REVOKE] = {encode_nothing, NULL},
    [COMMAND_WORKER_SET] = {encode_worker_set, NULL},
    [COMMAND_BACKUP] = {encode_backup, NULL},
};

bool api_render(const struct command *command, int64_t *status, struct buf *text)
{
    if (replies[command->kind].render == NULL) {
        return false;
    }
    replies[command->kind].render(command, status, text);
    return true;
}

static void encode(const struct command *command, struct http_response *response)
{
    if (command->is_replay) {
        http_response_init(response, (int)command->replay_status,
                           command->replay_status == 204 ? NULL : "application/json");
        buf_puts(&response->body, command->replay_text == NULL ? "" : command->replay_text);
        http_response_header(response, "Idempotent-Replayed", "true");
    } else {
        replies[command->kind].encode(command, response);
    }
    response_end_line(response);
    if (command->kind != COMMAND_HEARTBEAT) {
        http_response_header(response, "Server-Seq", "%" PRId64, command->server_seq);
    }
}

/* A grant that never reached its socket is handed back. */
struct delivery {
    struct api *api;
    char lease[LEASE_ID_BYTES];
};

static void grant_done(void *context, bool sent)
{
    struct delivery *delivery = context;
    struct err err;

    if (!sent) {
        struct command *command = command_create(COMMAND_UNSENT);
        if (command != NULL) {
            memcpy(as_unsent(command)->in.lease, delivery->lease, LEASE_ID_BYTES);
            if (engine_submit(delivery->api->engine, command, &err) != 0) {
                command_destroy(command);
            }
        }
    }
    free(delivery);
}

static void watch_delivery(struct api *api, const struct command *command)
{
    if (command->kind != COMMAND_ASK) {
        return;
    }
    const struct ask_command *ask = as_const_ask(command);
    if (!ask->out.granted || ask->in.ask.request_id[0] != '\0') {
        return;
    }
    struct delivery *delivery = malloc(sizeof *delivery);
    if (delivery != NULL) {
        delivery->api = api;
        memcpy(delivery->lease, ask->out.grant.id, sizeof delivery->lease);
        http_on_done(command->origin, grant_done, delivery);
    }
}

#define BATCH_MAX 64

void api_deliver(void *context, struct command *const commands[], size_t n)
{
    struct api *api = context;
    /* Some 200 KiB, and only the writer comes here: not worth clearing a stack for each group. */
    static struct http_request *requests[BATCH_MAX];
    static struct http_response responses[BATCH_MAX];
    size_t n_replies = 0;

    events_send_measurements(api, commands, n);
    wait_note_measurements(api, commands, n);
    for (size_t i = 0; i < n; i++) {
        struct command *command = commands[i];
        if (command->origin == NULL) { /* our own */
            command_destroy(command);
            continue;
        }
        if (command->kind == COMMAND_BACKUP) {
            engine_backup_decide(api->engine, command->err.code == ERR_NONE);
        }
        if (command->err.code != ERR_NONE) {
            reply_problem(command->origin, &command->err, &command->faults);
        } else {
            watch_delivery(api, command);
            if (command->kind == COMMAND_STUDY_DELETE) {
                keep_files_start(api);
            }
            requests[n_replies] = command->origin;
            encode(command, &responses[n_replies++]);
        }
        command_destroy(command);
        if (n_replies == BATCH_MAX) {
            http_reply_batch(requests, responses, n_replies);
            n_replies = 0;
        }
    }
    if (n_replies > 0) {
        http_reply_batch(requests, responses, n_replies);
    }
}

void api_events(void *context, int64_t last_seq)
{
    struct api *api = context;

    atomic_store(&api->last_seq, last_seq);
    keep_files_after_events(api);
    if (api->http != NULL) {
        http_stream_wake(api->http, NULL);
    }
}

void api_tokens(void *context, const struct token_row tokens[], size_t n)
{
    struct api *api = context;
    struct http_token *valid = calloc(n + 1, sizeof *valid);
    size_t n_valid = 0;

    if (valid == NULL) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (tokens[i].revoked_at_ms == 0) {
            struct http_token *token = &valid[n_valid++];
            memcpy(token->id, tokens[i].id, sizeof token->id);
            memcpy(token->sha256, tokens[i].sha256, sizeof token->sha256);
            token->scopes = tokens[i].scopes;
            token->expires_at_ms = tokens[i].expires_at_ms;
        }
    }
    http_set_tokens(api->http, valid, n_valid);
    free(valid);
}

size_t api_token_uses(void *context, struct token_use uses[], size_t max)
{
    struct api *api = context;
    struct http_token_use taken[64];
    size_t n = http_take_token_uses(
        api->http, taken,
        max < sizeof taken / sizeof taken[0] ? max : sizeof taken / sizeof taken[0]);

    for (size_t i = 0; i < n; i++) {
        memcpy(uses[i].id, taken[i].id, sizeof uses[i].id);
        uses[i].at_ms = taken[i].at_ms;
    }
    return n;
}

void api_token_uses_again(void *context)
{
    const struct api *api = context;

    http_token_uses_again(api->http);
}

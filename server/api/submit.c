/* From a request to a command, and from a command that is on disk to its answer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/integer.h"
#include "server/api/api.h"
#include "server/api/resources.h"

int request_json(const struct http_request *request, json_t **body, struct err *err)
{
    const struct buf *text = http_body(request);
    struct json_limits limits = json_limits_default;

    *body = NULL;
    if (text->len == 0) {
        return 0;
    }
    if (http_matched(request)->body == HTTP_BODY_JSON_BULK) {
        limits.bytes = 8u << 20;
        limits.values = 1000000;
    }
    return json_parse(buf_text(text), text->len, &limits, body, err);
}

/* The key of a kept reply: who, what, and the client's own key. */
static int set_key(struct command *command, const struct http_request *request, struct err *err)
{
    const char *key = http_header(request, "Idempotency-Key");
    char text[2048];

    if (key == NULL) {
        return 0;
    }
    if (key[0] == '\0' || strlen(key) > 255) {
        return err_set(err, ERR_MALFORMED, "an Idempotency-Key has 1 to 255 characters");
    }
    int len = snprintf(text, sizeof text, "%s\n%s\n%s\n%s", command->principal,
                       http_matched(request)->method, http_path(request), key);
    digest_key(text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1, command->key);
    const struct buf *body = http_body(request);
    digest_key(buf_text(body), body->len, command->body_hash);
    command->has_key = true;
    return 0;
}

static bool is_gone(void *origin)
{
    return http_peer_is_gone(origin);
}

static int copy_param(const struct http_request *request, const char *name, char *text, size_t size)
{
    const char *value =
        strstr(http_matched(request)->path, name) == NULL ? NULL : http_param(request, name);

    if (value == NULL) {
        return 0;
    }
    if (strlen(value) >= size) {
        return -1;
    }
    (void)strcpy(text, value);
    return 0;
}

int request_trial(const struct http_request *request, int64_t *number, struct err *err)
{
    const char *value = strstr(http_matched(request)->path, "{trial}") == NULL
                            ? NULL
                            : http_param(request, "trial");

    if (value != NULL
        && (value[0] == '0' || !integer_from_text(value, 1, TRIAL_NUMBER_MAX, number))) {
        return err_set(err, ERR_NOT_FOUND,
                       "there is no trial \"%.40s\"; trials are numbered from 1", value);
    }
    return 0;
}

static int fill(struct command *command, struct http_request *request, struct err *err)
{
    const struct http_principal *principal = http_principal(request);

    command->origin = request;
    command->is_gone = is_gone;
    if (principal != NULL) {
        memcpy(command->principal, principal->token_id, sizeof command->principal);
    }
    if (copy_param(request, "study", command->study, sizeof command->study) != 0) {
        return err_set(err, ERR_NOT_FOUND, "there is no study of that name");
    }
    if (copy_param(request, "lease", command->lease, sizeof command->lease) != 0) {
        return err_set(err, ERR_NOT_FOUND, "there is no such lease");
    }
    TRY(request_trial(request, &command->trial, err));
    command->bytes += http_body(request)->len * 4;
    return set_key(command, request, err);
}

struct command *command_for(struct api *api, struct http_request *request, enum command_kind kind)
{
    struct command *command = command_create(kind);
    struct err err;

    (void)api;
    if (command == NULL) {
        (void)err_set(&err, ERR_NOMEM, "the server is out of memory; repeat in a moment");
        reply_problem(request, &err, NULL);
        return NULL;
    }
    if (fill(command, request, &err) != 0) {
        reply_problem(request, &err, NULL);
        command_destroy(command);
        return NULL;
    }
    return command;
}

void submit(struct api *api, struct command *command)
{
    struct http_request *request = command->origin;
    struct err err;

    http_defer(request);
    if (engine_submit(api->engine, command, &err) != 0) {
        reply_problem(request, &err, NULL);
        command_destroy(command);
    }
}

void read_later(struct api *api, struct http_request *request,
                void (*job)(void *request, struct store *reader))
{
    struct err err;

    http_defer(request);
    if (engine_read(api->engine, job, request, &err) != 0) {
        reply_problem(request, &err, NULL);
    }
}

/* ---- answers ---- */

static void (*const encoders[COMMAND_KIND_COUNT])(const struct command *command,
                                                  struct http_response *response) = {
    [COMMAND_STUDY_CREATE] = encode_study,   [COMMAND_STUDY_PATCH] = encode_study,
    [COMMAND_STUDY_DELETE] = encode_nothing, [COMMAND_TRIALS_ADD] = encode_trials_added,
    [COMMAND_TRIAL_CANCEL] = encode_trial,   [COMMAND_ASK] = encode_lease,
    [COMMAND_MEASURE] = encode_action,       [COMMAND_HEARTBEAT] = encode_action,
    [COMMAND_RESULT] = encode_result,        [COMMAND_RELEASE] = encode_nothing,
    [COMMAND_TOKEN_CREATE] = encode_token,   [COMMAND_TOKEN_REVOKE] = encode_nothing,
};

void encode_nothing(const struct command *command, struct http_response *response)
{
    (void)command;
    http_response_init(response, 204, NULL);
}

static void encode(const struct command *command, struct http_response *response)
{
    if (command->is_replay) {
        http_response_init(response, (int)command->replay_status,
                           command->replay_status == 204 ? NULL : "application/json");
        buf_puts(&response->body, command->replay_text == NULL ? "" : command->replay_text);
        http_response_header(response, "Idempotent-Replayed", "true");
    } else {
        encoders[command->kind](command, response);
    }
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
            memcpy(command->lease, delivery->lease, sizeof command->lease);
            if (engine_submit(delivery->api->engine, command, &err) != 0) {
                command_destroy(command);
            }
        }
    }
    free(delivery);
}

static void watch_delivery(struct api *api, const struct command *command)
{
    if (command->kind != COMMAND_ASK || !command->granted || command->ask.request_id[0] != '\0') {
        return;
    }
    struct delivery *delivery = malloc(sizeof *delivery);
    if (delivery != NULL) {
        delivery->api = api;
        memcpy(delivery->lease, command->grant.id, sizeof delivery->lease);
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

    events_tell_measurements(api, commands, n);
    for (size_t i = 0; i < n; i++) {
        struct command *command = commands[i];
        if (command->origin == NULL) { /* our own */
            command_destroy(command);
            continue;
        }
        if (command->err.code != ERR_NONE) {
            reply_problem(command->origin, &command->err, &command->faults);
        } else {
            watch_delivery(api, command);
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

#include "server/api/submit.h"

#include <stdio.h>
#include <string.h>

#include "common/digest.h"
#include "server/api/problem.h"

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
    return http_client_has_left(origin);
}

static int fill(struct command *command, struct http_request *request, struct err *err)
{
    const struct http_principal *principal = http_principal(request);

    command->origin = request;
    command->is_gone = is_gone;
    if (principal != NULL) {
        memcpy(command->principal, principal->token_id, sizeof command->principal);
    }
    (void)snprintf(command->address, sizeof command->address, "%s", http_peer_address(request));
    command->bytes += http_body(request)->len * 4;
    return set_key(command, request, err);
}

struct command *command_for(struct http_request *request, enum command_kind kind)
{
    struct command *command = command_create(kind);
    struct err err;

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

void refuse(struct command *command)
{
    reply_problem(command->origin, &command->err, &command->faults);
    command_destroy(command);
}

void submit_deferred(struct api *api, struct command *command)
{
    if (engine_submit(api->engine, command, &command->err) != 0) {
        refuse(command);
    }
}

void submit(struct api *api, struct command *command)
{
    http_defer(command->origin);
    submit_deferred(api, command);
}

void submit_or_refuse(struct api *api, struct command *command, int result)
{
    if (result == 0) {
        submit(api, command);
    } else {
        refuse(command);
    }
}

#include "server/mcp/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/utf8.h"

int rpc_fault(struct rpc_fault *fault, enum rpc_code code, const char *fmt, ...)
{
    va_list args;

    *fault = (struct rpc_fault){.code = code};
    va_start(args, fmt);
    (void)vsnprintf(fault->text, sizeof fault->text, fmt, args);
    va_end(args);
    utf8_mend(fault->text);
    return -1;
}

/* A response of the client's is told from a request by its result or error. */
static bool is_response(const json_t *value)
{
    return json_object_get(value, "method") == NULL
           && (json_object_get(value, "result") != NULL || json_object_get(value, "error") != NULL);
}

static bool is_id(const json_t *id)
{
    return json_is_integer(id) || json_is_string(id);
}

static int read_id(const json_t *value, struct message *message, struct rpc_fault *fault)
{
    const json_t *id = json_object_get(value, "id");

    if (id == NULL) {
        message->kind = MESSAGE_NOTIFICATION;
        return 0;
    }
    if (!is_id(id)) {
        return rpc_fault(fault, RPC_INVALID_REQUEST,
                         "the id of a request is a string or an integer, and not null");
    }
    message->id = id;
    return 0;
}

int message_read(const json_t *value, struct message *message, struct rpc_fault *fault)
{
    *message = (struct message){.kind = MESSAGE_REQUEST};
    if (!json_is_object(value)) {
        return rpc_fault(
            fault, RPC_INVALID_REQUEST,
            "a message is an object: {\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": …}");
    }
    if (read_id(value, message, fault) != 0) {
        return -1;
    }
    const char *version = json_string_value(json_object_get(value, "jsonrpc"));
    if (version == NULL || strcmp(version, "2.0") != 0) {
        return rpc_fault(fault, RPC_INVALID_REQUEST, "\"jsonrpc\" must be \"2.0\"");
    }
    if (is_response(value)) {
        message->kind = MESSAGE_RESPONSE;
        return 0;
    }
    message->method = json_string_value(json_object_get(value, "method"));
    if (message->method == NULL || json_big_number(json_object_get(value, "method")) != NULL) {
        return rpc_fault(fault, RPC_INVALID_REQUEST, "\"method\" must be a string");
    }
    message->params = json_object_get(value, "params");
    if (message->params != NULL && !json_is_object(message->params)) {
        message->params = NULL;
        return rpc_fault(fault, RPC_INVALID_REQUEST, "\"params\" must be an object");
    }
    return 0;
}

const json_t *message_param(const struct message *message, const char *name)
{
    return json_object_get(message->params, name);
}

const char *message_param_string(const struct message *message, const char *name)
{
    const json_t *value = message_param(message, name);

    return json_big_number(value) != NULL ? NULL : json_string_value(value);
}

void response_begin(struct json_writer *w, const json_t *id)
{
    json_object_begin(w);
    json_put_string(w, "jsonrpc", "2.0");
    json_write_key(w, "id");
    if (id != NULL) {
        json_write_value(w, id);
    } else {
        json_write_null(w);
    }
}

static void write_versions(struct json_writer *w, const struct rpc_fault *fault,
                           const char *const versions[])
{
    json_write_key(w, "data");
    json_object_begin(w);
    json_write_key(w, "supported");
    json_array_begin(w);
    for (size_t i = 0; versions[i] != NULL; i++) {
        json_write_string(w, versions[i]);
    }
    json_array_end(w);
    json_put_string(w, "requested", fault->requested);
    json_object_end(w);
}

void response_write_fault(struct json_writer *w, const json_t *id, const struct rpc_fault *fault,
                          const char *const versions[])
{
    response_begin(w, id);
    json_write_key(w, "error");
    json_object_begin(w);
    json_put_int(w, "code", fault->code);
    json_put_string(w, "message", fault->text);
    if (fault->code == RPC_UNSUPPORTED_VERSION) {
        write_versions(w, fault, versions);
    }
    json_object_end(w);
    json_object_end(w);
}

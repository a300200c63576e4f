/* JSON-RPC 2.0 as MCP has it: what a message is, and what is said of one that is none. Plain
 * values; any thread. */
#ifndef SERVER_MCP_MESSAGE_H
#define SERVER_MCP_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>

#include "common/json.h"

/* Error codes of JSON-RPC, and of MCP from -32020 on. */
enum rpc_code {
    RPC_PARSE_ERROR = -32700,
    RPC_INVALID_REQUEST = -32600,
    RPC_METHOD_NOT_FOUND = -32601,
    RPC_INVALID_PARAMS = -32602,
    RPC_INTERNAL_ERROR = -32603,
    RPC_HEADER_MISMATCH = -32020,
    RPC_UNSUPPORTED_VERSION = -32022,
};

struct rpc_fault {
    enum rpc_code code;
    char text[480];
    char requested[32]; /* with RPC_UNSUPPORTED_VERSION */
};
/* Fills; always -1. */
int rpc_fault(struct rpc_fault *fault, enum rpc_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

enum message_kind { MESSAGE_REQUEST, MESSAGE_NOTIFICATION, MESSAGE_RESPONSE };

struct message {
    enum message_kind kind;
    const json_t *id;     /* string or integer, borrowed; NULL: it has none, or an unusable one */
    const char *method;   /* borrowed; NULL of a response */
    const json_t *params; /* object, borrowed, or NULL */
};
/* -1: it is no message of JSON-RPC; `id` is then set where it could be read. */
int message_read(const json_t *value, struct message *message, struct rpc_fault *fault);
/* A member of the params, of any type; NULL: there is none. */
const json_t *message_param(const struct message *message, const char *name);
/* The same if it is a string, else NULL. */
const char *message_param_string(const struct message *message, const char *name);

/* Opens a response to the message (NULL: to what could not be read), up to and with its id. */
void response_begin(struct json_writer *w, const json_t *id);
/* Writes the whole response of a fault. `versions` NULL-terminated, of RPC_UNSUPPORTED_VERSION. */
void response_write_fault(struct json_writer *w, const json_t *id, const struct rpc_fault *fault,
                          const char *const versions[]);

#endif

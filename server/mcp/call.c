#include "server/mcp/call.h"

#include <stdlib.h>
#include <string.h>

#include "server/mcp/answer.h"
#include "server/mcp/mcp.h"
#include "server/mcp/methods.h"
#include "server/mcp/run.h"

#define ANSWERS_BYTES_MAX ((size_t)4 << 20)
#define TARGET_BYTES_MAX 8192
#define WORDS_BYTES_MAX 4096

void call_destroy(struct call *call)
{
    json_decref(call->body);
    buf_finish(&call->answers);
    buf_finish(&call->target);
    buf_finish(&call->head);
    buf_finish(&call->foot);
    free(call);
}

/* ---- one message ---- */

/* False: the message is done with. */
static bool begin_message(struct call *call, const json_t *value)
{
    struct rpc_fault fault;

    call->status = 200;
    if (message_read(value, &call->message, &fault) != 0) {
        answer_fault(call, &fault);
        return false;
    }
    if (call->message.kind != MESSAGE_REQUEST) {
        if (revision_of_headers(call->request, &call->revision, &fault) != 0) {
            answer_fault(call, &fault);
        }
        return false; /* nobody waits for an answer, and nothing was asked of the client */
    }
    if (revision_of_message(call->request, &call->message, &call->revision, &fault) != 0) {
        answer_fault(call, &fault);
        return false;
    }
    if (strcmp(call->message.method, "tools/call") == 0) {
        return run_tool(call);
    }
    method_answer(call);
    return false;
}

/* ---- the request ---- */

static void reply(struct call *call)
{
    struct http_response response;
    bool is_owner = !call->is_forwarded;

    if (call->n_answers == 0) {
        http_response_init(&response, 202, NULL);
    } else {
        http_response_init(&response, call->is_batch ? 200 : call->status, "application/json");
        buf_puts(&response.body, call->is_batch ? "[" : "");
        buf_append(&response.body, buf_text(&call->answers), call->answers.len);
        buf_puts(&response.body, call->is_batch ? "]\n" : "\n");
        response.body.failed = response.body.failed || call->answers.failed;
    }
    http_reply(call->request, &response);
    if (is_owner) {
        call_destroy(call);
    }
}

void call_proceed(struct call *call)
{
    size_t n = call->is_batch ? json_array_size(call->body) : 1;

    while (call->at < n) {
        const json_t *value = call->is_batch ? json_array_get(call->body, call->at) : call->body;
        if (begin_message(call, value)) {
            return; /* a tool ends with its message, and goes on here */
        }
        call->at++;
    }
    reply(call);
}

static int check_batch(const struct call *call, struct rpc_fault *fault)
{
    enum revision revision;
    size_t n = json_array_size(call->body);

    if (!call->is_batch) {
        return 0;
    }
    if (revision_of_headers(call->request, &revision, fault) != 0) {
        return -1;
    }
    if (revision != REVISION_2025_03_26) {
        return rpc_fault(fault, RPC_INVALID_REQUEST,
                         "revision %s of MCP has no batches; send each message by itself",
                         revision_name(revision));
    }
    if (n == 0 || n > BATCH_MAX) {
        return rpc_fault(fault, RPC_INVALID_REQUEST, "a batch has 1 to %d messages", BATCH_MAX);
    }
    return 0;
}

static void begin(struct call *call)
{
    const struct buf *text = http_body(call->request);
    struct rpc_fault fault;
    struct err err;

    if (json_parse(buf_text(text), text->len, &json_limits_default, &call->body, &err) != 0) {
        (void)rpc_fault(&fault, err.code == ERR_NOMEM ? RPC_INTERNAL_ERROR : RPC_PARSE_ERROR, "%s",
                        err.text);
    } else {
        call->is_batch = json_is_array(call->body);
        if (check_batch(call, &fault) == 0) {
            call_proceed(call);
            return;
        }
    }
    call->is_batch = false;
    answer_fault(call, &fault);
    reply(call);
}

void post_mcp(void *context, struct http_request *request)
{
    struct call *call = calloc(1, sizeof *call);

    (void)context;
    if (call == NULL) {
        return; /* the connection is closed */
    }
    call->request = request;
    call->revision = REVISION_2026_07_28;
    buf_init(&call->answers, ANSWERS_BYTES_MAX);
    buf_init(&call->target, TARGET_BYTES_MAX);
    buf_init(&call->head, WORDS_BYTES_MAX);
    buf_init(&call->foot, WORDS_BYTES_MAX);
    begin(call);
}

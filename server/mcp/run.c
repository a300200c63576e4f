#include "server/mcp/run.h"

#include <stdio.h>
#include <string.h>

#include "server/mcp/answer.h"

/* ---- routes ---- */

static void answered(void *context, struct http_request *request,
                     const struct http_response *response)
{
    struct call *call = context;
    const struct tool *tool = call->tool;

    (void)request;
    call->step++;
    if (response->status >= 400) {
        if (tool->despite == NULL || !tool->despite(call, response)) {
            answer_show_problem(call, response);
        }
    } else if (tool->next != NULL) {
        tool->next(call, response);
    } else {
        answer_show(call, buf_text(&response->body), response->body.len);
    }
}

static void finish(void *context)
{
    call_destroy(context);
}

void run_forward(struct call *call, const char *method, struct buf *body)
{
    struct http_forward to = {
        .method = method,
        .target = buf_text(&call->target),
        .idempotency_key = call->key[0] == '\0' ? NULL : call->key,
        .context = call,
        .answered = answered,
        .finish = finish,
    };

    if (body != NULL) {
        to.body = *body;
        buf_init(body, 0);
    } else {
        buf_init(&to.body, 0);
    }
    call->is_forwarded = true;
    http_forward(call->request, &to);
}

json_t *run_json(struct call *call, const struct http_response *response)
{
    json_t *value = NULL;
    struct err err;

    if (json_parse_own(buf_text(&response->body), &value, &err) != 0 || value == NULL) {
        answer_decline(call, "the server is out of memory; try again in a moment");
        return NULL;
    }
    return value;
}

const char *run_argument(const struct call *call, const char *name)
{
    const json_t *value = json_object_get(call->arguments, name);

    return json_big_number(value) != NULL ? NULL : json_string_value(value);
}

/* ---- tools/call ---- */

static void write_body(struct call *call, struct buf *body)
{
    struct json_writer w;
    const char *key;
    json_t *value;

    json_writer_init(&w, body);
    json_object_begin(&w);
    json_object_foreach (json_unconst(call->arguments), key, value) {
        if (strcmp(key, "skip") != 0) {
            json_put_value(&w, key, value);
        }
    }
    json_object_end(&w);
}

static void begin_tool(struct call *call, struct faults *faults)
{
    const struct tool *tool = call->tool;
    OWN(buf) struct buf body;

    buf_init(&body, json_limits_default.bytes * 2);
    tool_target(tool, call->arguments, &call->target, faults);
    if (faults->total == 0 && tool->prepare != NULL) {
        tool->prepare(call, &body, faults);
    } else if (tool->passes_on) {
        write_body(call, &body);
    }
    if (faults->no_memory || body.no_memory || call->target.no_memory) {
        answer_decline(call, "the server is out of memory; try again in a moment");
    } else if (faults->total > 0) {
        answer_show_faults(call, faults);
    } else if (body.failed || call->target.failed) {
        answer_decline(call, "the arguments of %s are too long", tool->name);
    } else {
        run_forward(call, call->method, &body);
    }
}

/* False: an answer is there. */
bool run_tool(struct call *call)
{
    const char *name = message_param_string(&call->message, "name");
    struct faults faults = {0};
    struct rpc_fault fault;

    call->tool = name == NULL ? NULL : tool_find(name);
    call->arguments = message_param(&call->message, "arguments");
    if (json_is_null(call->arguments)) {
        call->arguments = NULL;
    }
    if (call->tool == NULL || (call->arguments != NULL && !json_is_object(call->arguments))) {
        (void)rpc_fault(
            &fault, RPC_INVALID_PARAMS,
            call->tool != NULL ? "\"arguments\" must be an object; %s%.80s%s"
                               : "there is no such tool: %s%.80s%s; tools/list has them",
            name == NULL ? "" : "\"", name == NULL ? "" : name, name == NULL ? "" : "\"");
        answer_fault(call, &fault);
        return false;
    }
    call->step = 0;
    call->is_front = false;
    call->key[0] = '\0';
    call->method = call->tool->method;
    buf_clear(&call->target);
    buf_clear(&call->head);
    buf_clear(&call->foot);
    begin_tool(call, &faults);
    faults_finish(&faults);
    return true;
}
